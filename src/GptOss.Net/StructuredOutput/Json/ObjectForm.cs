using System.Text;

namespace GptOss.Net.StructuredOutput.Json;

/// <summary>An object: declared properties in their order, where optional ones may be left out, and then any others.</summary>
internal sealed class ObjectForm : ValueForm
{
    private readonly IReadOnlyList<ObjectProperty> _properties;
    private readonly ValueRule? _additional;

    // [property + 1] The first required property from there on; their number if there is none.
    private readonly int[] _nextRequired;

    // [place in Names]
    private readonly int[] _propertyOfName;
    private int _minDepth = Endless;

    /// <summary>Creates the form.</summary>
    /// <param name="properties">The declared properties.</param>
    /// <param name="additional">The rule of values under any other name; null if there may be none.</param>
    public ObjectForm(IReadOnlyList<ObjectProperty> properties, ValueRule? additional)
    {
        (_properties, _additional) = (properties, additional);
        var names = properties.Select(property => Encoding.UTF8.GetBytes(JsonLiteral.Quote(property.Name)[1..])).ToArray();
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

    public override int MinDepth => _minDepth;

    /// <summary>The names as JSON, each with the quotation mark that ends it.</summary>
    public SortedTexts Names { get; }

    public override TextState Start(TextState next, int depth) => new ObjectText(this, ObjectPart.Start, 0, depth, next);

    /// <summary>Whether the object may end where <paramref name="first"/> is the next declared property.</summary>
    public bool CanEnd(int first) => _nextRequired[first] == _properties.Count;

    /// <summary>Whether a property with a name of its own may come.</summary>
    public bool CanAdd(int first, int depth) => CanEnd(first) && _additional is not null && _additional.MinDepth <= depth;

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

        return CanAdd(first, depth);
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

    /// <summary>Returns the property of a name, and of names that aren't declared the number of properties.</summary>
    public int PropertyOf(int name) => _propertyOfName[name];

    /// <summary>Returns the state after a name: a colon, and the value.</summary>
    /// <param name="property">The property, or the number of properties for one that isn't declared.</param>
    /// <param name="object">The object that the property is in.</param>
    public TextState AfterName(int property, ObjectText @object)
    {
        var isDeclared = property < _properties.Count;
        var after = @object with { Part = ObjectPart.AfterValue, First = isDeclared ? property + 1 : property };
        var value = (isDeclared ? Value(property) : _additional!).Start(after, @object.Depth - 1);
        return TextLiteral.Create(Colon, new SpacedText(value!));
    }

    /// <summary>As <see cref="AfterName"/>, for a name that isn't declared.</summary>
    public TextState AfterOtherName(ObjectText @object) => AfterName(_properties.Count, @object);

    public override bool UpdateMinDepth()
    {
        var depth = 0;
        foreach (var property in _properties)
        {
            depth = property.IsRequired ? Math.Max(depth, property.Value.MinDepth) : depth;
        }

        depth = depth == Endless ? Endless : depth + 1;
        var changed = depth != _minDepth;
        _minDepth = depth;
        return changed;
    }

    private ValueRule Value(int property) => _properties[property].Value;

    private int LastBefore(int first) => Math.Min(_nextRequired[first], _properties.Count - 1);

    private static readonly byte[] Colon = [(byte)':'];
}
