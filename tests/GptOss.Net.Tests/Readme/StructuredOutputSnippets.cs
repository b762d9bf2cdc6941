using Microsoft.Extensions.AI;

namespace GptOss.Net.Tests.Readme;

/// <summary>
/// The code that docs/structured-output.md shows, paragraph by paragraph; <see cref="StructuredOutputPageTests"/> compares.
/// </summary>
internal static class StructuredOutputSnippets
{
    public static async Task<Order> Typed(IChatClient client)
    {
        var typed = new ChatOptions
        {
            RawRepresentationFactory = _ => new GptOssRequestOptions
            {
                ResponseType = AIJsonUtilities.DefaultOptions.GetTypeInfo(typeof(Order)),
            },
        };
        ChatResponse<Order> order = await client.GetResponseAsync<Order>("Two teas, please.", typed);

        return order.Result;
    }

    public static async Task<string> Grammar(IChatClient client)
    {
        const string Query = """
            start: "SELECT " columns " FROM " NAME [" WHERE " condition]
            columns: "*" | NAME (", " NAME)*
            condition: condition (" AND " | " OR ") condition
                     | NAME " " ("=" | "<" | ">") " " (INT | "'" /[^'\n]*/ "'")
            NAME: /[a-z_]{1,30}/
            %import common.INT
            """;
        var query = new ChatOptions { RawRepresentationFactory = _ => new GptOssRequestOptions { Grammar = Query } };
        ChatResponse sql = await client.GetResponseAsync("Write one SQL query: the names of all users of age.", query);

        return sql.Text;
    }

    public sealed record Order(string Article, byte Count);
}
