// bundle HOST OUTPUT APP.dll FRAMEWORK VERSION: a single-file program as "dotnet publish" makes it: a copy of the host, the files and
// a manifest (format 6). The host keeps two places for us: the manifest's offset just before the hash of ".net core bundle\n", and the
// program's name instead of the hash of "foobar" in hexadecimal.
using System;
using System.Collections.Generic;
using System.IO;
using System.Linq;
using System.Security.Cryptography;
using System.Text;

static class Bundle
{
    const byte Assembly = 1, DepsJson = 3, RuntimeConfigJson = 4;

    class Entry
    {
        public long Offset, Size;
        public byte Type;
        public string Path;
    }

    static int Main(string[] args)
    {
        string host = args[0], output = args[1], app = args[2], framework = args[3], version = args[4];
        string name = Path.GetFileNameWithoutExtension(app);
        List<string> assemblies = Directory.GetFiles(framework, "*.dll").OrderBy(f => f, StringComparer.Ordinal).Prepend(app).ToList();
        File.Copy(host, output, true);
        using FileStream file = new FileStream(output, FileMode.Open, FileAccess.ReadWrite);
        file.Seek(0, SeekOrigin.End);
        List<Entry> entries = assemblies.Select(f => Append(file, Path.GetFileName(f), Assembly, File.ReadAllBytes(f))).ToList();
        entries.Add(Append(file, name + ".runtimeconfig.json", RuntimeConfigJson, Encoding.UTF8.GetBytes(RuntimeConfig(version))));
        entries.Add(Append(file, name + ".deps.json", DepsJson, Encoding.UTF8.GetBytes(Deps(name, version, assemblies))));
        long manifest = file.Position;
        WriteManifest(file, entries);
        byte[] image = File.ReadAllBytes(host), bound = Encoding.ASCII.GetBytes(Hex(Hash("foobar")));
        Patch(file, image, Hash(".net core bundle\n"), -sizeof(long), BitConverter.GetBytes(manifest));
        Patch(file, image, bound, 0, Encoding.ASCII.GetBytes(Path.GetFileName(app).PadRight(bound.Length, '\0')));
        return 0;
    }

    static Entry Append(Stream file, string path, byte type, byte[] content)
    {
        while (type == Assembly && file.Position % 64 != 0)
            file.WriteByte(0);
        Entry entry = new Entry { Offset = file.Position, Size = content.Length, Type = type, Path = path };
        file.Write(content);
        return entry;
    }

    static void WriteManifest(Stream file, List<Entry> entries)
    {
        BinaryWriter writer = new BinaryWriter(file);
        writer.Write(6u);
        writer.Write(0u);
        writer.Write(entries.Count);
        writer.Write("clrmonlab000");
        foreach (byte type in new[] { DepsJson, RuntimeConfigJson })
        {
            Entry json = entries.Single(e => e.Type == type);
            writer.Write(json.Offset);
            writer.Write(json.Size);
        }
        writer.Write(0UL);
        foreach (Entry e in entries)
        {
            writer.Write(e.Offset);
            writer.Write(e.Size);
            writer.Write(0L); // not compressed
            writer.Write(e.Type);
            writer.Write(e.Path);
        }
        writer.Flush();
    }

    static byte[] Hash(string text)
    {
        using SHA256 sha = SHA256.Create();
        return sha.ComputeHash(Encoding.ASCII.GetBytes(text));
    }

    static string Hex(byte[] bytes) => BitConverter.ToString(bytes).Replace("-", "").ToLowerInvariant();

    static void Patch(Stream file, byte[] image, byte[] mark, int distance, byte[] content)
    {
        file.Position = image.AsSpan().IndexOf(mark) + distance;
        file.Write(content);
    }

    static string RuntimeConfig(string version) =>
        "{ 'runtimeOptions': { 'includedFrameworks': [ { 'name': 'Microsoft.NETCore.App', 'version': 'VERSION' } ] } }"
            .Replace('\'', '"').Replace("VERSION", version);

    static string Deps(string name, string version, List<string> assemblies)
    {
        string target = ".NETCoreApp,Version=v" + Version.Parse(version).ToString(2) + "/linux-x64", library = name + "/1.0.0";
        string runtime = string.Join(", ", assemblies.Select(f => $"'{Path.GetFileName(f)}': {{}}"));
        return ($"{{ 'runtimeTarget': {{ 'name': '{target}' }}, "
            + $"'targets': {{ '{target}': {{ '{library}': {{ 'runtime': {{ {runtime} }} }} }} }}, "
            + $"'libraries': {{ '{library}': {{ 'type': 'project', 'serviceable': false, 'sha512': '' }} }} }}").Replace('\'', '"');
    }
}
