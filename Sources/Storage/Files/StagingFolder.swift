import Glibc
package import InferenceRuntime

/// A folder something is put together in before anybody can see it.
///
/// Letting it go removes it; whoever installs what it holds renames it away before.
package final class StagingFolder: Sendable {
    /// The folder's own path.
    package let path: String

    /// Makes a folder of a new name in `root`.
    package init(in root: String) throws(FileSystemError) {
        self.path = root + "/" + DurableFile.temporaryMark + DurableFile.uniqueSuffix()
        try FileSystemError.check("mkdir", path) { [path] in mkdir(path, 0o700) }
    }

    deinit {
        // After an install there is nothing by this name; a failure leaves what the next start
        // collects.
        try? FileTree.remove(path)
    }

    /// The path of a file in it.
    package func path(of file: String) -> String { path + "/" + file }
}
