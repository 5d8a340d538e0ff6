// Modes "locks" and "managed": threads that wait for locks, as often as they are told to. A wait is made, not hoped for: its lock is
// held until the thread that wants it is seen to be blocked. Each line on standard input is done in threads of its own and answered by
// "done", what was asked, and names with values. The last is always "contentions": how often the runtime itself says that a thread
// had to wait meanwhile.
//
//   waits N [HOLD-MS [PAIRS]]   N waits, shared out to pairs of an owner and a waiter; before it is done, a line
//                               "pair OWNER-TID WAITER-TID WAITS NANOSECONDS" for each. ns: that the waiters waited, as they measured it
//   interrupt N M               N waits broken off by Thread.Interrupt, M that time out
//   throws N                    N waits for a lock that is given up, and then held, by frames which an exception unwinds
//   storm THREADS SECONDS       all want one lock, which its holder now and then sleeps with
//   gcstorm THREADS SECONDS     the same, and garbage collections all the while
//   handoff SECONDS [PAIRS]     two threads hand a lock to each other: each time, one blocks. ns: on the clock; cpu_ns: of the process
//   uncontended SECONDS         a lock that nobody else wants, and one that has been inflated
//   handles N                   N waits each for events of both kinds, in Monitor.Wait, and for the thread pool: none for a lock
//   spawn N                     N processes, by fork and exec
//   stop                        the storms
//   count                       nothing; contentions: since it began
//   on, off                     the EventListener of the arguments KEYWORDS LEVEL, if there are any
//   exit                        at once, whoever waits
using System;
using System.Diagnostics;
using System.IO;
using System.Linq;
using System.Runtime.CompilerServices;
using System.Text;
using System.Threading;

abstract class Gate
{
    public abstract void Enter();
    public abstract bool TryEnter(int milliseconds);
    public abstract void Exit();
}

sealed class MonitorGate : Gate
{
    readonly Contended gate = new Contended();
    int entered;

    sealed class Contended
    {
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    public override void Enter()
    {
        Monitor.Enter(gate);
        entered++;
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    public override bool TryEnter(int milliseconds)
    {
        bool taken = Monitor.TryEnter(gate, milliseconds);
        entered += taken ? 1 : 0;
        return taken;
    }

    public override void Exit() => Monitor.Exit(gate);
}

#if MANAGED
sealed class LockGate : Gate
{
    readonly Lock gate = new Lock();
    int entered;

    [MethodImpl(MethodImplOptions.NoInlining)]
    public override void Enter()
    {
        gate.Enter();
        entered++;
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    public override bool TryEnter(int milliseconds)
    {
        bool taken = gate.TryEnter(milliseconds);
        entered += taken ? 1 : 0;
        return taken;
    }

    public override void Exit() => gate.Exit();
}
#endif

sealed class Locks
{
    readonly Func<Gate> newGate;
    readonly Stream output = Console.OpenStandardOutput();

    public Locks(Func<Gate> newGate)
    {
        this.newGate = newGate;
    }

    public void Do(string line)
    {
        Begin("Command", () => Run(line));
    }

    void Run(string line)
    {
        string[] words = line.Split(' ');
        int[] numbers = words.Skip(1).Select(int.Parse).ToArray();
        int first = Argument(numbers, 0, 1), second = Argument(numbers, 1, 0);
        long before = Monitor.LockContentionCount;
        string result;
        switch (words[0])
        {
            case "waits": result = Waits(first, second, Argument(numbers, 2, 1)); break;
            case "interrupt": result = new Pair(newGate(), 0, 0).Interrupt(first, second); break;
            case "throws": result = new Pair(newGate(), first, 0).Throw(); break;
            case "storm": result = new Storm(newGate(), first, second).Run(); break;
            case "gcstorm": result = WhileCollecting(new Storm(newGate(), first, second).Run); break;
            case "handoff": result = Handoff(first, Argument(numbers, 1, 1)); break;
            case "uncontended": result = Uncontended(first); break;
            case "handles": result = Handles(first); break;
            case "spawn": result = Spawn(first); break;
            case "count": result = "all"; before = 0; break;
            case "stop": Storm.Stop(); result = "all"; break;
            case "exit": Environment.Exit(0); return;
            default: result = "unknown"; break;
        }
        Say($"done {line} {result} contentions {Monitor.LockContentionCount - before}");
    }

    static int Argument(int[] numbers, int index, int otherwise) => index < numbers.Length ? numbers[index] : otherwise;

    // One write, and no lock of the console's.
    void Say(string text)
    {
        byte[] bytes = Encoding.ASCII.GetBytes(text + "\n");
        output.Write(bytes, 0, bytes.Length);
        output.Flush();
    }

    string Waits(int waits, int holdMs, int count)
    {
        Pair[] pairs = Enumerable.Range(0, count).Select(i => new Pair(newGate(), waits / count + (i < waits % count ? 1 : 0), holdMs)).ToArray();
        foreach (Pair pair in pairs)
            pair.Start();
        foreach (Pair pair in pairs)
            pair.Join();
        foreach (Pair pair in pairs)
            Say($"pair {pair.OwnerTid} {pair.WaiterTid} {pair.Waits} {pair.WaitedNs}");
        return $"ns {pairs.Sum(p => p.WaitedNs)} waits {pairs.Sum(p => p.Waits)}";
    }

    string Handoff(int seconds, int count)
    {
        Relay[] relays = Enumerable.Range(0, count).Select(i => new Relay(newGate())).ToArray();
        long cpu = CpuNs(), start = Stopwatch.GetTimestamp();
        foreach (Relay relay in relays)
            relay.Start();
        Thread.Sleep(seconds * 1000);
        foreach (Relay relay in relays)
            relay.Stop();
        long ns = Ns(Stopwatch.GetTimestamp() - start);
        foreach (Relay relay in relays)
            relay.Join();
        return $"ns {ns} cpu_ns {CpuNs() - cpu} waits {relays.Sum(r => r.Waits)}";
    }

    static string Uncontended(int seconds)
    {
        object thin = new object(), inflated = new object();
        long start = Stopwatch.GetTimestamp(), end = start + seconds * Stopwatch.Frequency, cpu = CpuNs(), now, locks = 0;
        lock (inflated)
            Monitor.Wait(inflated, 1);
        do
        {
            for (int i = 0; i < 1000; i++)
            {
                lock (thin)
                    locks++;
                lock (inflated)
                    locks++;
            }
            now = Stopwatch.GetTimestamp();
        } while (now < end);
        return $"ns {Ns(now - start)} cpu_ns {CpuNs() - cpu} locks {locks}";
    }

    static string Handles(int count)
    {
        AutoResetEvent once = new AutoResetEvent(false);
        ManualResetEvent forever = new ManualResetEvent(false);
        object pulsed = new object();
        int signals = 0;
        for (int i = 0; i < count; i++)
        {
            once.WaitOne(1);
            forever.WaitOne(1);
            lock (pulsed)
                Monitor.Wait(pulsed, 1);
            ThreadPool.QueueUserWorkItem(_ => once.Set());
            signals += once.WaitOne() ? 1 : 0;
        }
        return $"signals {signals}";
    }

    static string WhileCollecting(Func<string> run)
    {
        bool over = false;
        long collections = 0;
        Thread collector = Begin("Collector", () =>
        {
            for (; !Volatile.Read(ref over); collections++)
            {
                byte[][] garbage = Enumerable.Range(0, 200).Select(i => new byte[1000 + i]).ToArray();
                GC.Collect((int)(collections % 3));
                GC.KeepAlive(garbage);
                Thread.Sleep(1);
            }
        });
        string result = run();
        Volatile.Write(ref over, true);
        collector.Join();
        return $"collections {collections} {result}";
    }

    static string Spawn(int count)
    {
        int well = 0;
        for (int i = 0; i < count; i++)
        {
            using (Process child = Process.Start("/bin/true"))
            {
                child.WaitForExit();
                well += child.ExitCode == 0 ? 1 : 0;
            }
        }
        return $"well {well}";
    }

    static long CpuNs() => Process.GetCurrentProcess().TotalProcessorTime.Ticks * 100;

    public static long Ns(long ticks) => (long)(ticks * (1e9 / Stopwatch.Frequency));

    // Start() holds the lock of the Thread, which a thread that ends wants: none is to end so soon that it has to wait for it.
    public static Thread Begin(string name, Action run)
    {
        bool started = false;
        Thread thread = new Thread(() =>
        {
            Until(() => Volatile.Read(ref started));
            run();
        }) { IsBackground = true, Name = name };
        thread.Start();
        Volatile.Write(ref started, true);
        return thread;
    }

    // As /proc has it: in the PID namespace that it was mounted in.
    public static int Tid()
    {
        string stat = File.ReadAllText("/proc/thread-self/stat");
        return int.Parse(stat.Substring(0, stat.IndexOf(' ')));
    }

    // Without a wait handle, and without a lock.
    public static void Until(Func<bool> condition)
    {
        for (int tries = 0; !condition(); tries++)
        {
            if (tries < 50)
                Thread.Yield();
            else
                Thread.Sleep(1);
        }
    }

    public static bool IsBlocked(Thread thread) => (thread.ThreadState & System.Threading.ThreadState.WaitSleepJoin) != 0;
}

// A thread that owns a lock and another that waits for it.
sealed class Pair
{
    public readonly int Waits;
    public volatile int OwnerTid, WaiterTid;
    public long WaitedNs;

    readonly Gate gate;
    readonly object outer = new object();
    readonly int holdMs;
    volatile int held, arrived, passed; // the number of the wait
    volatile Thread waiter;
    volatile bool go;
    Thread owner;
    int thrown;

    public Pair(Gate gate, int waits, int holdMs)
    {
        this.gate = gate;
        this.holdMs = holdMs;
        Waits = waits;
    }

    public void Start()
    {
        owner = Locks.Begin("Owner", () => AsOwner(Own));
        waiter = Locks.Begin("Waiter", () => AsWaiter(Wait));
        Locks.Until(() => OwnerTid != 0 && WaiterTid != 0);
        go = true;
    }

    public void Join()
    {
        owner.Join();
        waiter.Join();
    }

    void AsOwner(Action<int> own)
    {
        OwnerTid = Locks.Tid();
        Locks.Until(() => go);
        for (int i = 1; i <= Waits; i++)
        {
            own(i);
            int number = i;
            Locks.Until(() => passed == number);
        }
    }

    void AsWaiter(Action<int> wait)
    {
        Locks.Until(() => OwnerTid != 0); // one at a time
        WaiterTid = Locks.Tid();
        Locks.Until(() => go);
        for (int i = 1; i <= Waits; i++)
        {
            int number = i;
            Locks.Until(() => held == number);
            wait(i);
            passed = i;
        }
    }

    // Holds the lock until the other one is blocked.
    void Hold(int number)
    {
        held = number;
        Locks.Until(() => arrived == number && Locks.IsBlocked(waiter));
        if (holdMs > 0)
            Thread.Sleep(holdMs);
    }

    void Own(int number)
    {
        gate.Enter();
        Hold(number);
        gate.Exit();
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    void Wait(int number)
    {
        arrived = number;
        long start = Stopwatch.GetTimestamp();
        gate.Enter();
        WaitedNs += Locks.Ns(Stopwatch.GetTimestamp() - start);
        gate.Exit();
    }

    public string Throw()
    {
        owner = Locks.Begin("Owner", () => AsOwner(i => Catch(() => OwnAndThrow(i))));
        waiter = Locks.Begin("Waiter", () => AsWaiter(i => Catch(() => WaitAndThrow(i))));
        Locks.Until(() => OwnerTid != 0 && WaiterTid != 0);
        go = true;
        Join();
        return $"thrown {thrown} waits {Waits}";
    }

    void Catch(Action action)
    {
        try
        {
            action();
        }
        catch (InvalidOperationException)
        {
            Interlocked.Increment(ref thrown);
        }
    }

    void OwnAndThrow(int number)
    {
        object mine = new object();
        lock (mine)
        {
            gate.Enter();
            try
            {
                Hold(number);
                throw new InvalidOperationException();
            }
            finally
            {
                gate.Exit();
            }
        }
    }

    void WaitAndThrow(int number)
    {
        lock (outer)
        {
            arrived = number;
            gate.Enter();
            try
            {
                throw new InvalidOperationException();
            }
            finally
            {
                gate.Exit();
            }
        }
    }

    public string Interrupt(int interrupts, int timeouts)
    {
        int interrupted = 0, timedOut = 0;
        gate.Enter();
        waiter = Locks.Begin("Waiter", () =>
        {
            WaiterTid = Locks.Tid();
            Locks.Until(() => go);
            for (int i = 1; i <= interrupts; i++)
                interrupted += IsInterrupted(i) ? 1 : 0;
            for (int i = 0; i < timeouts; i++)
                timedOut += gate.TryEnter(3) ? 0 : 1;
        });
        go = true;
        for (int i = 1; i <= interrupts; i++)
        {
            int number = i;
            Locks.Until(() => arrived == number && Locks.IsBlocked(waiter));
            waiter.Interrupt();
            Locks.Until(() => passed == number);
        }
        waiter.Join();
        gate.Exit();
        return $"interrupted {interrupted} timeouts {timedOut}";
    }

    bool IsInterrupted(int number)
    {
        bool interrupted = false;
        try
        {
            arrived = number;
            gate.Enter();
            gate.Exit();
        }
        catch (ThreadInterruptedException)
        {
            interrupted = true;
        }
        passed = number;
        return interrupted;
    }
}

// Two threads that hand a lock to each other: it is let go when the other one is blocked, and wanted again when the other one has it.
sealed class Relay
{
    public long Waits => acquired - 1; // the first one had no need to

    readonly Gate gate;
    readonly Thread[] threads = new Thread[2];
    volatile int turn = -1;
    volatile bool over, last;
    long acquired;

    public Relay(Gate gate)
    {
        this.gate = gate;
    }

    public void Start()
    {
        for (int i = 0; i < 2; i++)
        {
            int number = i;
            threads[i] = Locks.Begin("Relay", () => Run(number));
            Locks.Until(() => turn >= 0);
        }
    }

    public void Stop() => over = true;

    public void Join()
    {
        threads[0].Join();
        threads[1].Join();
    }

    void Run(int me)
    {
        for (bool ends = false; !ends;)
        {
            gate.Enter();
            acquired++;
            turn = me;
            ends = last || LetTheOtherBlock(me);
            gate.Exit();
            for (int tries = 0; !ends && turn == me; tries++)
                Pause(tries);
        }
    }

    // Whether this was the first thread's last time: the second's follows.
    bool LetTheOtherBlock(int me)
    {
        Thread other;
        for (int tries = 0; (other = threads[1 - me]) == null || !Locks.IsBlocked(other); tries++)
            Pause(tries);
        last = me == 0 && over;
        return last;
    }

    static void Pause(int tries)
    {
        if (tries < 200)
            Thread.SpinWait(5);
        else
            Thread.Yield();
    }
}

// Many threads that want one lock.
sealed class Storm
{
    const int SleepEvery = 256;

    readonly Gate gate;
    readonly int threads, seconds;
    long counted, acquired;
    static volatile int stops;
    volatile bool over;

    public Storm(Gate gate, int threads, int seconds)
    {
        this.gate = gate;
        this.threads = threads;
        this.seconds = seconds;
    }

    public string Run()
    {
        Thread[] all = Enumerable.Range(0, threads).Select(i => Locks.Begin("Storm", Want)).ToArray();
        int before = stops;
        for (int i = 0; i < seconds * 20 && stops == before; i++)
            Thread.Sleep(50);
        over = true;
        foreach (Thread thread in all)
            thread.Join();
        return $"acquired {acquired} counted {counted}";
    }

    public static void Stop() => stops++;

    void Want()
    {
        long mine = 0;
        for (; !over; mine++)
        {
            gate.Enter();
            counted++; // right only if the lock keeps the others out
            if (counted % SleepEvery == 0)
                Thread.Sleep(1);
            else
                Thread.Yield();
            gate.Exit();
        }
        Interlocked.Add(ref acquired, mine);
    }
}
