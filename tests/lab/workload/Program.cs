// The process that the end-to-end tests look at. Every mode prints "ready PID" and ends when its input does.
// With MANAGED defined, and the references of .NET 9, it has System.Threading.Lock as well.
using System;
using System.Diagnostics;
using System.Diagnostics.Tracing;
using System.Globalization;
using System.Threading;

static class Program
{
    static volatile bool over;
    static object kept;

    static int Main(string[] args)
    {
        string mode = args.Length > 0 ? args[0] : "idle";
        switch (mode)
        {
            case "idle":
                Serve(null, null, Answer);
                Churn();
                return 0;
            case "listener":
            case "listener-later":
                RuntimeListener listener = new RuntimeListener(Number(args[1]), (EventLevel)Number(args[2]));
                if (mode == "listener")
                    listener.On();
                Serve(listener.On, listener.Off);
                Churn();
                Console.WriteLine($"events {listener.Count}");
                return 0;
            case "source":
                return RunSource();
            case "spin":
                Serve(null, null);
                Spin(double.Parse(args[1], CultureInfo.InvariantCulture));
                return 0;
            case "objects":
                Objects.Show();
                Serve(null, null);
                while (!over)
                    Thread.Sleep(50);
                return 0;
            case "locks":
                return RunLocks(args, () => new MonitorGate());
#if MANAGED
            case "managed":
                return RunLocks(args, () => new LockGate());
#endif
            default:
                Console.Error.WriteLine("usage: workload idle | listener KEYWORDS LEVEL | listener-later KEYWORDS LEVEL | spin SECONDS"
                    + " | source | objects | locks [KEYWORDS LEVEL] | managed [KEYWORDS LEVEL]");
                return 2;
        }
    }

    // A program with an EventSource of its own: "level" says what that thinks is wanted of it, "collections" how often all was collected.
    static int RunSource()
    {
        using (LabSource source = new LabSource())
        {
            Serve(null, null, line => Console.WriteLine(line == "level"
                ? $"verbose {source.IsEnabled(EventLevel.Verbose, EventKeywords.All)}" : $"collections {GC.CollectionCount(2)}"));
            Churn();
        }
        return 0;
    }

    static int RunLocks(string[] args, Func<Gate> newGate)
    {
        Locks locks = new Locks(newGate);
        RuntimeListener listener = args.Length > 2 ? new RuntimeListener(Number(args[1]), (EventLevel)Number(args[2])) : null;
        Serve(() => listener?.On(), () => listener?.Off(), locks.Do);
        while (!over)
            Thread.Sleep(50);
        return 0;
    }

    static void Serve(Action on, Action off, Action<string> otherwise = null)
    {
        Thread reader = new Thread(() => Listen(on, off, otherwise)) { IsBackground = true };
        reader.Start();
        Console.WriteLine($"ready {Process.GetCurrentProcess().Id}");
        Console.Out.Flush();
    }

    static void Answer(string line)
    {
        Console.WriteLine(line == "collections" ? $"collections {GC.CollectionCount(2)}" : $"done {line}");
    }

    static void Listen(Action on, Action off, Action<string> otherwise)
    {
        for (string line; (line = Console.In.ReadLine()) != null;)
        {
            if (line == "on")
                on?.Invoke();
            else if (line == "off")
                off?.Invoke();
            else if (otherwise != null)
            {
                otherwise(line);
                continue;
            }
            Console.WriteLine($"done {line}");
        }
        over = true;
    }

    static void Churn()
    {
        for (int i = 0; !over; i++)
        {
            for (int j = 0; j < 20; j++)
                kept = new byte[1000 + j];
            GC.Collect(0);
            Thread.Sleep(50);
        }
    }

    static void Spin(double seconds)
    {
        long start = Stopwatch.GetTimestamp(), end = start + (long)(seconds * Stopwatch.Frequency);
        long last = start, longest = 0, readings = 0;
        while (last < end && !over)
        {
            long now = Stopwatch.GetTimestamp();
            longest = Math.Max(longest, now - last);
            last = now;
            readings++;
        }
        Console.WriteLine($"longest_us {longest * 1000000 / Stopwatch.Frequency} readings {readings}");
    }

    static long Number(string text)
    {
        return text.StartsWith("0x", StringComparison.Ordinal)
            ? long.Parse(text.Substring(2), NumberStyles.HexNumber, CultureInfo.InvariantCulture)
            : long.Parse(text, CultureInfo.InvariantCulture);
    }
}

sealed class RuntimeListener : EventListener
{
    readonly EventKeywords keywords;
    readonly EventLevel level;
    EventSource runtime;
    long count;

    public RuntimeListener(long keywords, EventLevel level)
    {
        this.keywords = (EventKeywords)keywords;
        this.level = level;
    }

    public long Count => Interlocked.Read(ref count);

    public void On() => EnableEvents(runtime, level, keywords);

    public void Off() => DisableEvents(runtime);

    // The base constructor calls this for the sources that exist already.
    protected override void OnEventSourceCreated(EventSource source)
    {
        if (source.Name == "Microsoft-Windows-DotNETRuntime")
            runtime = source;
    }

    protected override void OnEventWritten(EventWrittenEventArgs data) => Interlocked.Increment(ref count);
}

[EventSource(Name = "Lab-Source")]
sealed class LabSource : EventSource
{
}
