import Glibc
import InferenceRuntime

/// The folders adapters may be read from: what keeps a path in a request from reaching the rest
/// of the disk.
///
/// A path is resolved with all its links, compared with the resolved roots, opened without
/// following anything further, and what was opened is asked once more where it lies: a link
/// swapped in between opens nothing.
public struct AdapterRoots: Sendable, Hashable {
    /// The resolved folders, without a slash at the end.
    public let folders: [String]

    /// Everything on this machine; for the command line, whose user may read it anyway.
    public static let everywhere = AdapterRoots(resolved: ["/"])

    /// Resolves the folders given; each must exist.
    public init(_ folders: [String]) throws(AdapterStoreError) {
        var resolved: [String] = []
        for folder in folders {
            guard let path = Self.resolve(folder), DurableFile.isFolder(path) else {
                throw .pathNotAllowed(path: folder, reason: "it is no folder")
            }
            resolved.append(path)
        }
        self.init(resolved: resolved)
    }

    private init(resolved: [String]) {
        self.folders = resolved
    }

    /// Opens what `path` names, which must lie below a root after resolving links.
    func open(_ path: String) throws(AdapterStoreError) -> OpenFile {
        func refuse(_ reason: String) -> AdapterStoreError {
            .pathNotAllowed(path: String(path.prefix(300)), reason: reason)
        }
        guard !path.utf8.isEmpty, !path.utf8.contains(0), path.utf8.count < 4096 else {
            throw refuse("it is no path")
        }
        guard !path.contains("://") else { throw refuse("URLs are not loaded") }
        guard let resolved = Self.resolve(path) else {
            // The same answer whether it is missing or elsewhere: nobody learns what is there.
            throw refuse("it is not found below an adapter root")
        }
        guard contains(resolved) else { throw refuse("it is not found below an adapter root") }
        do throws(FileSystemError) {
            // O_NONBLOCK: opening a pipe must not wait for its writer.
            let file = try OpenFile(resolved, flags: O_RDONLY | O_NOFOLLOW | O_NONBLOCK)
            guard let opened = Self.resolve("/proc/self/fd/\(file.descriptor)"), contains(opened)
            else { throw FileSystemError(operation: "open", path: path, code: ELOOP) }
            return file
        } catch {
            throw refuse("it cannot be opened: \(String(cString: strerror(error.code)))")
        }
    }

    private func contains(_ resolved: String) -> Bool {
        folders.contains { root in
            root == "/" || resolved.utf8.elementsEqual(root.utf8)
                || resolved.utf8.starts(with: (root + "/").utf8)
        }
    }

    private static func resolve(_ path: String) -> String? {
        guard let pointer = realpath(path, nil) else { return nil }
        defer { free(pointer) }
        return String(validatingCString: pointer)
    }
}
