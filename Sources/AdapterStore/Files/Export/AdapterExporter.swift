import Glibc
import InferenceRuntime

/// Writes a stored adapter somewhere else; what appears there is whole.
struct AdapterExporter: Sendable {
    let generation: AdapterGeneration
    /// Its folder in the store, held by the caller.
    let folder: String
    let architecture: Architecture?

    /// - Parameter path: What must not exist yet.
    func write(to path: String, as format: AdapterFormat) throws(AdapterStoreError) {
        guard access(path, F_OK) != 0 else {
            throw .pathNotAllowed(path: path, reason: "it exists already")
        }
        do throws(FileSystemError) {
            switch format {
            case .peft: try writeFolder(path)
            case .tar: try writeArchive(path)
            case .gguf: break
            }
        } catch {
            throw .storage(operation: "export the adapter", reason: error.description)
        }
        if format == .gguf {
            guard let architecture else {
                throw .unfit(
                    name: generation.name,
                    reason: "a llama.cpp file can only be written for a known base model"
                )
            }
            try GGUFExport(architecture: architecture, name: generation.name)
                .write(folder: folder, to: path)
        }
    }

    /// `facet_lineage.json`: what a later import is checked against.
    var lineageBytes: [UInt8] {
        var object = generation.lineage.json.object ?? JSONObject()
        object["generation"] = .string(generation.hash)
        object["base"] = .string(generation.base)
        // Only training binds an adapter to one base; others fit whatever has their shape.
        if generation.lineage.job != nil {
            object["base_hash"] = generation.baseHash.map(JSONValue.string)
        }
        return JSONValue.object(object).serializedBytes
    }

    private func writeFolder(_ path: String) throws(FileSystemError) {
        let partial = path + DurableFile.temporaryMark + DurableFile.uniqueSuffix()
        try DurableFile.makeFolder(partial)
        do throws(FileSystemError) {
            for name in AdapterFileNames.content(of: folder) {
                try copy(name) { size, body throws(FileSystemError) in
                    try DurableFile.create(partial + "/" + name, body)
                }
            }
            try DurableFile.write(lineageBytes, to: partial + "/" + AdapterFileNames.lineage)
            try DurableFile.rename(partial, to: path)
        } catch {
            try? FileTree.remove(partial)
            throw error
        }
    }

    private func writeArchive(_ path: String) throws(FileSystemError) {
        let partial = path + DurableFile.temporaryMark + DurableFile.uniqueSuffix()
        do throws(FileSystemError) {
            let file = try OpenFile(partial, flags: O_WRONLY | O_CREAT | O_EXCL)
            let writer = TarWriter(file, modified: generation.created)
            for name in AdapterFileNames.content(of: folder) {
                try copy(name) { size, body throws(FileSystemError) in
                    try writer.append(name, size: size, body)
                }
            }
            let lineage = lineageBytes
            try writer.append(AdapterFileNames.lineage, size: lineage.count) {
                output throws(FileSystemError) in try output.write(lineage)
            }
            try writer.finish()
            try DurableFile.rename(partial, to: path)
        } catch {
            unlink(partial)
            throw error
        }
    }

    /// Hands over a stored file's size and what writes its bytes.
    private func copy(
        _ name: String,
        _ place: (
            Int, (borrowing OpenFile) throws(FileSystemError) -> Void
        ) throws(FileSystemError) -> Void
    ) throws(FileSystemError) {
        let source = try OpenFile(folder + "/" + name, flags: O_RDONLY)
        let size = try source.byteCount()
        let (descriptor, path) = (source.descriptor, source.path)
        try place(size) { output throws(FileSystemError) in
            var offset = 0
            while offset < size {
                let part = try OpenFile.read(
                    min(1 << 20, size - offset),
                    at: offset,
                    of: descriptor,
                    path: path
                )
                guard !part.isEmpty else {
                    throw FileSystemError(operation: "read", path: path, code: EIO)
                }
                try output.write(part)
                offset += part.count
            }
        }
        // The descriptor above is this file's.
        _ = consume source
    }
}
