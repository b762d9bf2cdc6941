using System.Diagnostics.Metrics;

namespace GptOss.Net.Tests.Engine.Telemetry;

/// <summary>Makes a meter and notices when somebody else disposes of it.</summary>
internal sealed class SingleMeterFactory : IMeterFactory
{
    public WatchedMeter? Created { get; private set; }

    public bool IsMeterDisposed => Created!.IsDisposed;

    public Meter Create(MeterOptions options) => Created = new WatchedMeter(options);

    public void Dispose() => Created?.Dispose();

    internal sealed class WatchedMeter(MeterOptions options) : Meter(options)
    {
        public bool IsDisposed { get; private set; }

        protected override void Dispose(bool disposing)
        {
            IsDisposed = true;
            base.Dispose(disposing);
        }
    }
}
