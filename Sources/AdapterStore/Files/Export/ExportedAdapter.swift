import Storage

/// A generation in one file of its own, which is there as long as this is held.
public final class ExportedAdapter: Sendable {
    /// The file.
    public let path: String

    private let folder: StagingFolder

    init(in folder: StagingFolder) {
        self.folder = folder
        path = folder.path(of: "adapter")
    }
}
