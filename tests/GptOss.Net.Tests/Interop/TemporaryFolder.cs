namespace GptOss.Net.Tests.Interop;

/// <summary>A new empty folder that is deleted with the object.</summary>
internal sealed class TemporaryFolder : IDisposable
{
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("GptOss.Net.Tests-");

    internal string Path => _folder.FullName;

    public void Dispose() => _folder.Delete(recursive: true);
}
