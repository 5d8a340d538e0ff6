// Mode "objects": some of many kinds, a line "object ADDRESS NAME" for each, and a method that is made at run time, which has run.
// They stay where they are, for nothing is collected any more.
using System;
using System.Collections.Generic;
using System.Linq;
using System.Reflection.Emit;
using System.Runtime.CompilerServices;

static class Objects
{
    sealed class Nested<T>
    {
        public sealed class Within
        {
        }
    }

    static readonly object[] kept =
    {
        new object(), "text", 7, ConsoleColor.Red, new Guid(), new string[1], new int[2, 3], Array.CreateInstance(typeof(long), new[] { 2 }, new[] { 1 }),
        new Gate[1][,,], new List<string> { "a" }, new Dictionary<int, List<object>>(), new Dictionary<string, int[]>[2][],
        new Nested<string>.Within(), new Nested<int>[1], new KeyValuePair<string, object>(), new Action(Show), typeof(string),
        new InvalidOperationException(), Enumerable.Range(0, 3).Select(i => i + 1), new byte[200000], new DateTime?[1],
    };

    static Func<int, int> made;

    public static void Show()
    {
        made = Make();
        made(1);
        GC.Collect();
        GC.Collect();
        for (int i = 0; i < kept.Length; i++)
            Console.WriteLine($"object 0x{Unsafe.As<object, IntPtr>(ref kept[i]).ToInt64():x} {Name(kept[i].GetType())}");
    }

    // Without what a generic type is made of: as its definition.
    static string Name(Type type)
    {
        if (!type.IsArray)
            return type.IsGenericType ? type.GetGenericTypeDefinition().FullName : type.FullName;
        string whole = type.Name;
        Type element = type.GetElementType();
        return Name(element) + whole.Substring(element.Name.Length);
    }

    static Func<int, int> Make()
    {
        DynamicMethod method = new DynamicMethod("MadeAtRunTime", typeof(int), new[] { typeof(int) });
        ILGenerator code = method.GetILGenerator();
        code.Emit(OpCodes.Ldarg_0);
        code.Emit(OpCodes.Ret);
        return (Func<int, int>)method.CreateDelegate(typeof(Func<int, int>));
    }
}
