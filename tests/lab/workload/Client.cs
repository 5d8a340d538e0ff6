// What Microsoft's own diagnostics client, loaded from the folder of dotnet-trace, sees of other processes:
//   client DLL                      the pids that it finds, one a line
//   client DLL PID info             what the process says of itself
//   client DLL PID environment      an entry a line, with '?' for what is not printable
using System;
using System.Collections.Generic;
using System.Globalization;
using System.Linq;
using System.Reflection;

static class Client
{
    static int Main(string[] args)
    {
        Type type = Assembly.LoadFrom(args[0]).GetType("Microsoft.Diagnostics.NETCore.Client.DiagnosticsClient", true);
        if (args.Length == 1)
        {
            foreach (int pid in (IEnumerable<int>)type.GetMethod("GetPublishedProcesses").Invoke(null, null))
                Console.WriteLine(pid);
            return 0;
        }
        object client = Activator.CreateInstance(type, int.Parse(args[1], CultureInfo.InvariantCulture));
        try
        {
            if (args[2] == "info")
                ShowInfo(Call(client, "GetProcessInfo"));
            else
                ShowEnvironment((Dictionary<string, string>)Call(client, "GetProcessEnvironment"));
            return 0;
        }
        catch (TargetInvocationException e)
        {
            Console.Error.WriteLine($"{e.InnerException.GetType().Name}: {e.InnerException.Message}");
            return 1;
        }
    }

    const BindingFlags Any = BindingFlags.Instance | BindingFlags.Public | BindingFlags.NonPublic;

    static object Call(object client, string method) => client.GetType().GetMethod(method, Any, null, Type.EmptyTypes, null).Invoke(client, null);

    static void ShowInfo(object info)
    {
        foreach (string line in new[] { "pid ProcessId", "cookie RuntimeInstanceCookie", "command CommandLine", "os OperatingSystem",
            "architecture ProcessArchitecture", "assembly ManagedEntrypointAssemblyName", "version ClrProductVersionString",
            "rid PortableRuntimeIdentifier" })
        {
            string[] words = line.Split(' ');
            Console.WriteLine($"{words[0]} {info.GetType().GetProperty(words[1], Any).GetValue(info)}");
        }
    }

    static void ShowEnvironment(Dictionary<string, string> environment)
    {
        foreach (KeyValuePair<string, string> entry in environment)
            Console.WriteLine(new string($"{entry.Key}={entry.Value}".Select(c => char.IsControl(c) ? '?' : c).ToArray()));
    }
}
