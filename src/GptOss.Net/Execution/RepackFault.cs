namespace GptOss.Net.Execution;

/// <summary>Why a file of repacked weights is not used.</summary>
internal enum RepackFault
{
    /// <summary>It is used.</summary>
    None,

    /// <summary>There is none; nobody needs to be told.</summary>
    Missing,

    /// <summary>It, or the folder, cannot be read.</summary>
    Unreadable,

    /// <summary>It was begun and not ended.</summary>
    Unfinished,

    /// <summary>It is shorter or longer than it says.</summary>
    WrongLength,

    /// <summary>It was written by a version of this library that lays weights out in another way.</summary>
    OtherVersion,

    /// <summary>The checkpoint, its adapters or what of it is wanted have changed.</summary>
    OtherContent,

    /// <summary>Its bytes are not those that were written.</summary>
    Altered,
}
