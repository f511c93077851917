import InferenceRuntime
import Foundation

/// Where pulled checkpoints lie.
///
/// `ORG--NAME/snapshots/COMMIT/` holds the files of one commit, all of them; the folder appears by a
/// rename when the last one has been checked. `ORG--NAME/refs/REVISION` names the commit that a
/// revision was when it was pulled. `ORG--NAME/partial/COMMIT/` is what has arrived so far.
public struct ModelCache: Sendable {
    /// The folder that holds everything.
    public let root: String

    /// Uses a folder, which need not be there yet.
    public init(root: String) { self.root = root }

    /// Uses `$XDG_CACHE_HOME/facet/models`, or `~/.cache/facet/models`; of data sets `…/datasets`.
    public init(environment: [String: String], of kind: RepositoryKind = .model) {
        // Relative paths are to be ignored, says the XDG specification.
        if let folder = environment["XDG_CACHE_HOME"], folder.hasPrefix("/") {
            self.init(root: folder + "/facet/\(kind.rawValue)s")
        } else {
            let home = environment["HOME"] ?? NSHomeDirectory()
            self.init(root: home + "/.cache/facet/\(kind.rawValue)s")
        }
    }

    /// The folder of a checkpoint that has been pulled; `nil` for others.
    public func resolve(_ reference: HubReference) -> String? {
        let commit = commit(of: reference) ?? reference.revision
        let folder = snapshot(reference, commit: commit)
        return Self.isFolder(folder) ? folder : nil
    }

    /// The folder of a checkpoint that has been pulled from any hub.
    func resolveAnywhere(_ text: String) -> String? {
        for hub in Hub.allCases {
            let reference = try? HubReference(text, on: HubSource(hub))
            if let folder = reference.flatMap(resolve) { return folder }
        }
        return nil
    }

    /// The folder of the only pulled repository whose last component is `name`; `nil` where there
    /// is none or where several have that name.
    public func resolve(name: String) -> String? {
        let repositories = (try? FileManager.default.contentsOfDirectory(atPath: root)) ?? []
        let folders = repositories.filter { repository in
            repository.utf8.elementsEqual(name.utf8) || repository.hasSuffix("--" + name)
        }
        let found = folders.compactMap { folder -> String? in
            let text = folder.replacingOccurrences(of: "--", with: "/")
            return resolveAnywhere(text)
        }
        return found.count == 1 ? found[0] : nil
    }

    /// What a pulled checkpoint is called by its folder: the last part of its hub id; `nil` for
    /// folders that are no checkpoint of this cache.
    public func name(of folder: String) -> String? {
        repository(of: folder)?.split(separator: "/").last.map(String.init)
    }

    /// The hub id, `ORG/NAME`, of a pulled checkpoint's folder; `nil` for other folders.
    public func repository(of folder: String) -> String? {
        let path = URL(fileURLWithPath: folder).standardizedFileURL.pathComponents
        let root = URL(fileURLWithPath: root).standardizedFileURL.pathComponents
        guard path.count == root.count + 3, path.starts(with: root),
            path[root.count + 1] == "snapshots"
        else { return nil }
        return path[root.count].replacingOccurrences(of: "--", with: "/")
    }

    func folder(_ reference: HubReference) -> String {
        root + "/" + reference.repository.replacingOccurrences(of: "/", with: "--")
    }

    func snapshot(_ reference: HubReference, commit: String) -> String {
        "\(folder(reference))/snapshots/\(commit.replacingOccurrences(of: "/", with: "--"))"
    }

    func partial(_ reference: HubReference, commit: String) -> String {
        "\(folder(reference))/partial/\(commit)"
    }

    private func refFile(_ reference: HubReference) -> String {
        "\(folder(reference))/refs/\(reference.revision.replacingOccurrences(of: "/", with: "--"))"
    }

    private func commit(of reference: HubReference) -> String? {
        guard let data = FileManager.default.contents(atPath: refFile(reference)) else {
            return nil
        }
        let text = String(decoding: data, as: UTF8.self)
        return text.isEmpty || text.contains("/") ? nil : text
    }

    /// Remembers which commit a revision is.
    func record(_ reference: HubReference, commit: String) throws(FileSystemError) {
        try DurableFile.makeFolder(folder(reference) + "/refs")
        try DurableFile.write(Array(commit.utf8), to: refFile(reference))
    }

    static func isFolder(_ path: String) -> Bool {
        var isFolder: ObjCBool = false
        return FileManager.default.fileExists(atPath: path, isDirectory: &isFolder)
            && isFolder.boolValue
    }
}
