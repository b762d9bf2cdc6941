using GptOss.Net.Execution.Cpu;

namespace GptOss.Net.Tests.Execution.Cpu;

/// <summary>How many threads the CPU executor takes by default, on described machines.</summary>
public sealed class PhysicalCoresTests
{
    [Theory]
    [InlineData(8, "0-7", 4)] // four cores of two hyper-threads each
    [InlineData(3, "0-7", 3)] // a container may use three processors at once
    [InlineData(4, "0-3", 4)] // one hyper-thread of each core
    [InlineData(4, "0-1,4-5", 2)] // both of two cores
    [InlineData(2, "3,7", 1)]
    [InlineData(1, "6", 1)]
    public void The_hyper_threads_of_a_core_that_the_process_may_use_count_once(int processors, string allowed, int cores)
    {
        using var machine = new TemporaryDirectory();
        for (var processor = 0; processor < 8; processor++)
        {
            var topology = Directory.CreateDirectory(Path.Combine(machine.Path, $"cpu{processor}", "topology")).FullName;
            File.WriteAllText(Path.Combine(topology, "thread_siblings_list"), $"{processor % 4},{(processor % 4) + 4}\n");
        }

        Directory.CreateDirectory(Path.Combine(machine.Path, "cpufreq"));
        var status = Path.Combine(machine.Path, "status");
        File.WriteAllText(status, $"Name:\ttest\nCpus_allowed_list:\t{allowed}\n");

        PhysicalCores.Count(processors, machine.Path, status).Should().Be(cores);
    }

    [Theory]
    [InlineData(1, 1)]
    [InlineData(2, 2)]
    [InlineData(8, 8)]
    [InlineData(15, 15)]
    [InlineData(16, 14)]
    [InlineData(32, 28)]
    public void Of_many_cores_some_are_left_to_others(int cores, int threads)
    {
        PhysicalCores.Threads(cores).Should().Be(threads);
    }

    [Fact]
    public void Without_a_description_every_processor_counts()
    {
        PhysicalCores.Count(6, "/nowhere", "/nowhere").Should().Be(6);
        PhysicalCores.Count().Should().BeInRange(1, Environment.ProcessorCount);
    }
}
