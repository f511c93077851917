import InferenceRuntime
import Glibc
import InferenceRuntime
import Storage

/// Copies an adapter from outside into a staging folder, as a PEFT directory.
///
/// Only the known files are taken, each within its bound; what the path names decides the form: a
/// folder, a tar archive or a llama.cpp LoRA file.
struct AdapterImporter: Sendable {
    let roots: AdapterRoots
    /// The largest weights file that is taken, in bytes.
    let weightsLimit: Int
    /// What a llama.cpp file is read for; without it such files cannot be read.
    let family: GGUFFamily?

    /// Fills `staging` from `path`.
    func copy(_ path: String, to staging: StagingFolder) throws(AdapterStoreError) {
        let source = try roots.open(path)
        let status: stat
        do throws(FileSystemError) {
            status = try source.status()
        } catch {
            throw .invalidSource(path: path, reason: error.description)
        }
        switch status.st_mode & S_IFMT {
        case S_IFDIR: try copyFolder(path, to: staging)
        case S_IFREG:
            try copyFile(source, path: path, size: Int(status.st_size), to: staging)
        default: throw .invalidSource(path: path, reason: "it is neither a folder nor a file")
        }
    }

    /// Each file is resolved and opened like the folder: a link in it may lead to another place
    /// below the roots, as the caches of hub clients do, and nowhere else.
    private func copyFolder(_ path: String, to staging: StagingFolder) throws(AdapterStoreError) {
        for name in AdapterFileNames.known {
            guard access(path + "/" + name, F_OK) == 0 else {
                try checkMissing(name, in: path)
                continue
            }
            let file = try roots.open(path + "/" + name)
            let size: Int
            do throws(FileSystemError) {
                let status = try file.status()
                guard status.st_mode & S_IFMT == S_IFREG else {
                    throw FileSystemError(operation: "read", path: name, code: EINVAL)
                }
                size = Int(status.st_size)
            } catch {
                throw .invalidSource(path: path, reason: "its \(name) is no plain file")
            }
            try checkSize(size, of: name, path: path)
            try staging.copy(size, of: file, to: name, reportedAs: path)
        }
    }

    private func checkMissing(_ name: String, in path: String) throws(AdapterStoreError) {
        guard !AdapterFileNames.optional.contains(name) else { return }
        let isPickled =
            name == AdapterFileNames.weights
            && access(path + "/" + AdapterFileNames.pickledWeights, F_OK) == 0
        throw .invalidSource(
            path: path,
            reason: isPickled
                ? "its weights are pickled (\(AdapterFileNames.pickledWeights)); "
                    + "convert them to safetensors first"
                : "it has no \(name)"
        )
    }

    private func copyFile(
        _ file: consuming OpenFile,
        path: String,
        size: Int,
        to staging: StagingFolder
    ) throws(AdapterStoreError) {
        let start: [UInt8]
        do throws(FileSystemError) {
            start = try file.read(TarHeader.blockBytes, at: 0)
        } catch {
            throw .invalidSource(path: path, reason: error.description)
        }
        if start.starts(with: GGUFFile.magic) {
            guard size <= weightsLimit else {
                throw .tooLarge(path: path, bytes: size, limit: weightsLimit)
            }
            guard let family else {
                throw .invalidSource(
                    path: path,
                    reason: "a llama.cpp file can only be read for a known base model"
                )
            }
            try GGUFImport(family: family, path: path).convert(file, size: size, to: staging)
        } else if start.count > 262, start[257..<262].elementsEqual("ustar".utf8) {
            var reader = TarReader(file, size: size)
            try copyArchive(&reader, path: path, to: staging)
        } else {
            throw .invalidSource(
                path: path,
                reason: "it is no folder, tar archive or llama.cpp LoRA file"
            )
        }
    }

    private func checkSize(
        _ size: Int,
        of name: String,
        path: String
    ) throws(AdapterStoreError) {
        let limit = AdapterFileNames.maximumBytes(of: name, weightsLimit: weightsLimit)
        guard size <= limit else {
            throw .tooLarge(path: path + "/" + name, bytes: size, limit: limit)
        }
    }
}

extension AdapterImporter {
    /// The adapter may lie at the top of the archive or in one folder of it.
    private func copyArchive(
        _ reader: inout TarReader,
        path: String,
        to staging: StagingFolder
    ) throws(AdapterStoreError) {
        var found: [String: String] = [:]
        while let entry = try Self.next(&reader, path: path) {
            let (folder, name) = Self.split(entry.name)
            if name == AdapterFileNames.pickledWeights {
                throw .invalidSource(path: path, reason: "its weights are pickled (\(name))")
            }
            guard AdapterFileNames.known.contains(name) else { continue }
            guard found[name] == nil else {
                throw .invalidSource(path: path, reason: "it holds \(name) twice")
            }
            guard found.values.allSatisfy({ $0 == folder }) else {
                throw .invalidSource(path: path, reason: "its files lie in several folders")
            }
            found[name] = folder
            try checkSize(entry.size, of: name, path: path)
            try reader.read(size: entry.size) { (file) throws(AdapterStoreError) in
                try staging.copy(entry.size, of: file, to: name, reportedAs: path)
            }
        }
        for name in [AdapterFileNames.config, AdapterFileNames.weights] where found[name] == nil {
            throw .invalidSource(path: path, reason: "it has no \(name)")
        }
    }

    private static func next(
        _ reader: inout TarReader,
        path: String
    ) throws(AdapterStoreError) -> TarHeader? {
        do throws(TarError) {
            return try reader.next()
        } catch {
            throw .invalidSource(path: path, reason: "the archive cannot be read: \(error.reason)")
        }
    }

    private static func split(_ name: String) -> (folder: String, name: String) {
        guard let slash = name.lastIndex(of: "/") else { return ("", name) }
        return (String(name[..<slash]), String(name[name.index(after: slash)...]))
    }
}
