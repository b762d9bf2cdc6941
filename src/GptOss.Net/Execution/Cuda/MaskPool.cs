using GptOss.Net.Interop.Cuda;
using GptOss.Net.Sampling;

namespace GptOss.Net.Execution.Cuda;

/// <summary>Token masks on the device. Most rows share a few, which stay; the others take the place of those unused for longest.</summary>
internal sealed unsafe class MaskPool
{
    // Beside those of one step: framing, and the states of schemas that come again.
    private const int Spare = 64;

    private readonly ICudaDriver _driver;
    private readonly int _words;
    private readonly nint _device;
    private readonly nint[] _host;
    private readonly (TokenBitset? Mask, long LastStep)[] _places;
    private readonly Dictionary<TokenBitset, int> _placeOf = [];
    private long _step;
    private nint _staging;

    public MaskPool(ICudaDriver driver, CudaMemory memory, CudaShape shape, int rows, int stepsInFlight)
    {
        _driver = driver;
        _words = Words(shape);
        _places = new (TokenBitset?, long)[rows + Spare];
        _device = memory.Allocate(Bytes(shape, rows));
        _host = [.. Enumerable.Range(0, stepsInFlight).Select(_ => memory.AllocateHost((long)rows * _words * sizeof(uint)))];
    }

    public static long Bytes(CudaShape shape, int rows) => (long)(rows + Spare) * Words(shape) * sizeof(uint);

    /// <summary>A step begins, whose masks keep their places until the next one.</summary>
    public void Begin(int slot)
    {
        _step++;
        _staging = _host[slot];
    }

    /// <summary>The address of a mask; one that is new is brought there by the stream.</summary>
    public nint Get(TokenBitset mask, nint stream)
    {
        if (!_placeOf.TryGetValue(mask, out var place))
        {
            place = Oldest();
            if (_places[place].Mask is { } old)
            {
                _placeOf.Remove(old);
            }

            _placeOf.Add(mask, place);
            var words = new Span<uint>((void*)_staging, _words);
            var known = mask.Words[..Math.Min(_words, mask.Words.Length)];
            known.CopyTo(words);
            words[known.Length..].Clear();
            _driver.Copy(Address(place), _staging, (long)_words * sizeof(uint), stream);
            _staging += _words * sizeof(uint);
        }

        _places[place] = (mask, _step);
        return Address(place);
    }

    private static int Words(CudaShape shape) => shape.Vocabulary / 32;

    private int Oldest()
    {
        var oldest = 0;
        for (var i = 1; i < _places.Length; i++)
        {
            oldest = _places[i].LastStep < _places[oldest].LastStep ? i : oldest;
        }

        return oldest;
    }

    private nint Address(int place) => _device + ((nint)place * _words * sizeof(uint));
}
