using System.Text;
using GptOss.Net.Interop;

namespace GptOss.Net.Tests.Interop;

/// <summary>Main memory from made-up trees of <c>/proc</c> and <c>/sys</c>.</summary>
public sealed class LinuxMemoryTests : IDisposable
{
    private const long MiB = 1L << 20;
    private const string Version2 = "29 23 0:26 / /sys/fs/cgroup rw,nosuid - cgroup2 cgroup2 rw\n";

    private readonly TemporaryDirectory _root = new();

    public LinuxMemoryTests() => Write("proc/meminfo", "MemTotal: 8388608 kB\nMemFree: 1 kB\nMemAvailable: 4194304 kB\n");

    public void Dispose() => _root.Dispose();

    [Fact]
    public void Without_groups_it_is_the_machine_s()
    {
        Measure().Should().Be((8192 * MiB, 4096 * MiB));
    }

    [Fact]
    public void Without_the_kernel_s_table_nothing_is_known()
    {
        Write("proc/meminfo", "MemTotal: much\n");

        new LinuxMemory(_root.Path).Measure().Should().BeNull();
    }

    /// <summary>As in a container with a namespace of its own: its group is the root.</summary>
    [Fact]
    public void A_container_s_limit_counts_and_file_pages_can_be_had()
    {
        Write("proc/self/cgroup", "0::/\n");
        Write("proc/self/mountinfo", "22 1 8:1 / / rw - ext4 /dev/sda1 rw\n" + Version2);
        Write("sys/fs/cgroup/memory.max", $"{1024 * MiB}\n");
        Write("sys/fs/cgroup/memory.current", $"{900 * MiB}\n");
        Write("sys/fs/cgroup/memory.stat", $"anon 5\nfile {700 * MiB}\nactive_file {100 * MiB}\ninactive_file {500 * MiB}\n");

        Measure().Should().Be((1024 * MiB, 724 * MiB));
    }

    [Fact]
    public void The_least_of_all_groups_above_counts()
    {
        Write("proc/self/cgroup", "0::/a.slice/b.scope\n");
        Write("proc/self/mountinfo", Version2);
        Write("sys/fs/cgroup/a.slice/memory.max", $"{2048 * MiB}\n");
        Write("sys/fs/cgroup/a.slice/memory.current", $"{1948 * MiB}\n");
        Write("sys/fs/cgroup/a.slice/b.scope/memory.max", "max\n");
        Write("sys/fs/cgroup/a.slice/b.scope/memory.high", $"{1024 * MiB}\n");
        Write("sys/fs/cgroup/a.slice/b.scope/memory.current", $"{24 * MiB}\n");

        Measure().Should().Be((1024 * MiB, 100 * MiB));
    }

    /// <summary>Version 1: the container's own part of the hierarchy is mounted, but its path is told from the host's root.</summary>
    [Theory]
    [InlineData("/docker/1f", "/docker/1f")]
    [InlineData("/", "/")]
    [InlineData("/../..", "/")]
    [InlineData("/elsewhere", "/docker/1f")]
    public void Version_1_is_read_below_its_mount(string path, string mounted)
    {
        Write("proc/self/cgroup", $"9:cpu,cpuacct:/x\n4:memory:{path}\n0::/\n");
        Write("proc/self/mountinfo", $"40 30 0:30 {mounted} /sys/fs/cgroup/memory rw,nosuid master:1 - cgroup cgroup rw,memory\n");
        Write("sys/fs/cgroup/memory/memory.limit_in_bytes", $"{512 * MiB}\n");
        Write("sys/fs/cgroup/memory/memory.usage_in_bytes", $"{300 * MiB}\n");
        Write("sys/fs/cgroup/memory/memory.stat", $"inactive_file 1\ntotal_inactive_file {200 * MiB}\ntotal_active_file 0\n");

        Measure().Should().Be((512 * MiB, 412 * MiB));
    }

    [Fact]
    public void A_group_without_a_limit_changes_nothing()
    {
        Write("proc/self/cgroup", "4:memory:/\n");
        Write("proc/self/mountinfo", "40 30 0:30 / /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory\n");
        Write("sys/fs/cgroup/memory/memory.limit_in_bytes", "9223372036854771712\n");
        Write("sys/fs/cgroup/memory/memory.usage_in_bytes", $"{300 * MiB}\n");

        Measure().Should().Be((8192 * MiB, 4096 * MiB));
    }

    [Fact]
    public void Use_beyond_the_limit_leaves_nothing()
    {
        Write("proc/self/cgroup", "0::/\n");
        Write("proc/self/mountinfo", Version2);
        Write("sys/fs/cgroup/memory.max", $"{100 * MiB}\n");
        Write("sys/fs/cgroup/memory.current", $"{300 * MiB}\n");

        Measure().Should().Be((100 * MiB, 0));
    }

    private (long Total, long Free) Measure() => new LinuxMemory(_root.Path).Measure()!.Value;

    private void Write(string name, string text) => _root.Write(name, Encoding.ASCII.GetBytes(text));
}
