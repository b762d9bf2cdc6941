using System.Text;
using GptOss.Net.Harmony;

namespace GptOss.Net.StructuredOutput.Json;

/// <summary>An object: declared properties in their order, where optional ones may be left out, and then any others.</summary>
internal sealed class ObjectForm : ValueForm
{
    private static readonly byte[] Colon = [(byte)':'];

    private readonly IReadOnlyList<ObjectProperty> _properties;
    private readonly IReadOnlyList<OtherNames> _others;
    private readonly int _othersMinDepth;

    // [property + 1] The first required property from there on; their number if there is none.
    private readonly int[] _nextRequired;

    // [place in Names]
    private readonly int[] _propertyOfName;

    /// <summary>Creates the form.</summary>
    /// <param name="properties">The declared properties.</param>
    /// <param name="others">The properties with other names that there may be.</param>
    /// <param name="minDepth">How many levels of arrays and objects the shallowest such object has.</param>
    public ObjectForm(IReadOnlyList<ObjectProperty> properties, IReadOnlyList<OtherNames> others, int minDepth)
    {
        (_properties, _others, MinDepth) = (properties, others, minDepth);
        _othersMinDepth = others.Count == 0 ? Endless : others.Min(other => other.Value.MinDepth);
        var names = properties.Select(property => Encoding.UTF8.GetBytes(JsonText.Quote(property.Name)[1..])).ToArray();
        Names = new SortedTexts(names);
        _propertyOfName = new int[names.Length];
        _nextRequired = new int[names.Length + 1];
        _nextRequired[^1] = names.Length;
        for (var i = names.Length - 1; i >= 0; i--)
        {
            _propertyOfName[Names.IndexOf(names[i])] = i;
            _nextRequired[i] = properties[i].IsRequired ? i : _nextRequired[i + 1];
        }
    }

    public override int MinDepth { get; }

    /// <summary>The names as JSON, each with the quotation mark that ends it.</summary>
    public SortedTexts Names { get; }

    public override TextState Start(TextState next, int depth) => new ObjectText(this, ObjectPart.Start, 0, depth, next);

    /// <summary>Whether the object may end where <paramref name="first"/> is the next declared property.</summary>
    public bool CanEnd(int first) => _nextRequired[first] == _properties.Count;

    /// <summary>Whether any property may come where <paramref name="first"/> is the next declared property.</summary>
    public bool CanContinue(int first, int depth)
    {
        for (var i = first; i <= LastBefore(first); i++)
        {
            if (_properties[i].Value.MinDepth <= depth)
            {
                return true;
            }
        }

        return CanEnd(first) && _othersMinDepth <= depth;
    }

    /// <summary>Whether one of the names is that of a declared property that may come next.</summary>
    public bool CanName(SortedTextsRange names, int first, int depth)
    {
        var last = LastBefore(first);
        for (var name = names.First; name < names.End; name++)
        {
            if (_propertyOfName[name] is var property && property >= first && property <= last && Value(property).MinDepth <= depth)
            {
                return true;
            }
        }

        return false;
    }

    /// <summary>Returns the property of a name.</summary>
    public int PropertyOf(int name) => _propertyOfName[name];

    /// <summary>Returns the state after the name of a declared property: a colon, and the value.</summary>
    public TextState AfterName(int property, ObjectText @object) => AfterName(Value(property), @object with { First = property + 1 });

    /// <summary>Returns the states in the names of properties that are not declared.</summary>
    public IEnumerable<TextState> OtherNameStarts(ObjectText @object)
    {
        if (!CanEnd(@object.First))
        {
            yield break;
        }

        foreach (var other in _others)
        {
            if (other.Value.MinDepth < @object.Depth)
            {
                var after = AfterName(other.Value, @object with { First = _properties.Count });
                yield return other.Pattern is { } pattern
                    ? new PatternText(pattern, 0, after)
                    : new OtherNameText(Names.All, default, after);
            }
        }
    }

    private static TextState AfterName(ValueRule value, ObjectText @object)
    {
        var after = @object with { Part = ObjectPart.AfterValue };
        return TextLiteral.Create(Colon, new SpacedText(value.Start(after, @object.Depth - 1)!));
    }

    private ValueRule Value(int property) => _properties[property].Value;

    private int LastBefore(int first) => Math.Min(_nextRequired[first], _properties.Count - 1);
}
