using Microsoft.Extensions.FileProviders;

namespace WebChat;

/// <summary>Serves the page: static files that may load nothing but one another.</summary>
internal static class ChatPage
{
    // Style attributes alone may be inline: typeset formulas and the memory bars have them.
    private const string ContentSecurityPolicy =
        "default-src 'none'; script-src 'self'; style-src 'self'; style-src-attr 'unsafe-inline'; img-src 'self' data:; font-src 'self'; "
        + "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

    /// <summary>Adds the page at <c>/</c>.</summary>
    public static void UseChatPage(this WebApplication app)
    {
        var files = new PhysicalFileProvider(Path.Combine(AppContext.BaseDirectory, "wwwroot"));
        app.UseWhen(IsPage, branch =>
        {
            branch.UseResponseCompression();
            branch.UseDefaultFiles(new DefaultFilesOptions { FileProvider = files });
            branch.UseStaticFiles(
                new StaticFileOptions { FileProvider = files, OnPrepareResponse = context => Protect(context.Context.Response.Headers) });
        });
    }

    private static bool IsPage(HttpContext context) => !context.Request.Path.StartsWithSegments("/v1", StringComparison.Ordinal);

    private static void Protect(IHeaderDictionary headers)
    {
        headers.ContentSecurityPolicy = ContentSecurityPolicy;
        headers.XContentTypeOptions = "nosniff";
        headers["Referrer-Policy"] = "no-referrer";

        // Asked for each time, answered by 304 while a file is the same: a new version is never mixed with an old one.
        headers.CacheControl = "no-cache";
    }
}
