using GptOss.Net.Execution.Cuda.Compilation;

namespace GptOss.Net.Tests.Execution.Cuda;

public sealed class KernelCacheTests : IDisposable
{
    private readonly TemporaryDirectory _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void A_text_is_compiled_once_for_each_compiler()
    {
        var (first, second) = (new CountingCompiler("sm_90"), new CountingCompiler("sm_80"));
        var cache = new KernelCache(_folder.Path);
        var source = new KernelSource("x", "text");

        for (var i = 0; i < 3; i++)
        {
            cache.Get(source, first).Should().Equal(1, 2, 3);
            new KernelCache(_folder.Path).Get(source, second).Should().Equal(1, 2, 3);
        }

        cache.Get(source with { Text = "other" }, first);
        (first.Count, second.Count).Should().Be((2, 1));
    }

    [Theory]
    [InlineData(0)]
    [InlineData(20)]
    [InlineData(34)]
    public void A_damaged_file_is_compiled_again(int length)
    {
        var compiler = new CountingCompiler("sm_90");
        var cache = new KernelCache(_folder.Path);
        cache.Get(new KernelSource("x", "text"), compiler);
        var file = Directory.GetFiles(_folder.Path).Should().ContainSingle().Subject;
        File.WriteAllBytes(file, File.ReadAllBytes(file)[..length]);

        cache.Get(new KernelSource("x", "text"), compiler).Should().Equal(1, 2, 3);
        compiler.Count.Should().Be(2);
        Directory.GetFiles(_folder.Path).Should().ContainSingle();
    }

    [Fact]
    public void Without_a_folder_nothing_is_kept()
    {
        var compiler = new CountingCompiler("sm_90");

        for (var i = 0; i < 2; i++)
        {
            new KernelCache(folder: null).Get(new KernelSource("x", "text"), compiler).Should().Equal(1, 2, 3);
        }

        compiler.Count.Should().Be(2);
    }

    private sealed class CountingCompiler(string identity) : IKernelCompiler
    {
        public int Count { get; private set; }

        public string Identity => identity;

        public byte[] Compile(KernelSource source)
        {
            Count++;
            return [1, 2, 3];
        }
    }
}
