using System.Security.Cryptography;
using GptOss.Net.Chat;

namespace GptOss.Net.Tests;

/// <summary>Who can go on with reasoning that a conversation carries.</summary>
public sealed class ReasoningProtectionTests
{
    private static readonly int[] Thought = [0, 17, 65_536, 199_997];
    private static readonly byte[] Key = [.. Enumerable.Range(1, 16).Select(value => (byte)value)];

    [Fact]
    public void Whoever_has_the_key_opens_it()
    {
        var data = new ReasoningSeal(ReasoningProtection.FromKey(Key)).Seal(Thought);

        new ReasoningSeal(ReasoningProtection.FromKey(Key)).Open(data).Should().Equal(Thought);
        new ReasoningSeal(ReasoningProtection.FromKey([.. Key, 1])).Open(data).Should().BeNull();
        new ReasoningSeal(ReasoningProtection.OfThisProcess).Open(data).Should().BeNull();
    }

    [Fact]
    public void What_was_tampered_with_is_not_opened()
    {
        var seal = new ReasoningSeal(ReasoningProtection.OfThisProcess);
        var data = Convert.FromBase64String(seal.Seal(Thought));
        for (var i = 0; i < data.Length; i++)
        {
            var changed = data.ToArray();
            changed[i] ^= 1;
            seal.Open(Convert.ToBase64String(changed)).Should().BeNull();
            seal.Open(Convert.ToBase64String(data[..i])).Should().BeNull();
        }
    }

    [Theory]
    [InlineData(null)]
    [InlineData("")]
    [InlineData("AAAA")]
    [InlineData("not base64")]
    public void Anything_else_is_not_opened(string? data) =>
        new ReasoningSeal(ReasoningProtection.OfThisProcess).Open(data).Should().BeNull();

    [Fact]
    public void A_protector_of_the_application_is_used()
    {
        using var aes = Aes.Create();
        aes.GenerateKey();
        var protection = new ReasoningProtection(
            data => [.. new byte[16], .. aes.EncryptCbc(data, new byte[16])],
            data => aes.DecryptCbc(data.AsSpan(16), new byte[16]));
        var seal = new ReasoningSeal(protection);

        seal.Open(seal.Seal(Thought)).Should().Equal(Thought);
        seal.Open(Convert.ToBase64String(new byte[48])).Should().BeNull();
    }

    [Fact]
    public void A_short_key_is_refused() =>
        FluentActions.Invoking(() => ReasoningProtection.FromKey(new byte[15])).Should().Throw<ArgumentException>()
            .WithMessage("The key has 15 bytes*");

    [Fact]
    public void Control_tokens_are_not_opened()
    {
        var seal = new ReasoningSeal(ReasoningProtection.FromKey(Key));

        seal.Open(seal.Seal([200_006])).Should().BeNull();
    }
}
