import Glibc

/// Quantized weights in the kernels' own layout, kept so that the next start is an `mmap`.
///
/// A folder of safetensors files named by the SHA-256 of the checkpoint's content. A note of the
/// checkpoint's files as the system sees them (device, inode, size, times) leads to the content's
/// hash without reading gigabytes; where the files are others, their content is hashed again.
/// Every matrix has a checksum: what is damaged is ignored and built anew.
public struct PackedCache: Sendable {
    /// The folder.
    public let folder: String

    /// The layout inside; another layout is another file.
    private var version = "facet-packed-1"

    /// A cache in a folder, which is made when it is first written to.
    public init(folder: String) { self.folder = folder }

    /// The part of the cache for a way to hold linear layers.
    ///
    /// Of quantized checkpoints an older layout held what they had left unquantized, too.
    func part(_ base: BaseDType, of checkpoint: CheckpointFolder) -> PackedCache {
        var part = self
        if checkpoint.isQuantized {
            part.version = "facet-packed-2"
        } else if base != .nf4 {
            part.version += "-" + base.rawValue
        }
        return part
    }

    /// Whether these very files were packed before.
    func knows(_ checkpoint: CheckpointFolder) -> Bool { text(note(checkpoint)) != nil }

    /// Opens the packed weights of a checkpoint; nil where there are none, or damaged ones.
    func open(_ checkpoint: CheckpointFolder) -> PackedWeights? {
        guard let content = contentHash(checkpoint, noting: true) else { return nil }
        let path = path(content)
        guard access(path, R_OK) == 0, let file = try? SafetensorsFile(path: path),
            file.metadata["content"] == content, file.metadata["version"] == version
        else { return nil }
        return PackedWeights(file)
    }

    /// Writes the matrices of a loaded checkpoint.
    ///
    /// Failing is no error: the next start quantizes.
    func write(_ matrices: [(name: String, matrix: TiledMatrix)], of checkpoint: CheckpointFolder) {
        try? DurableFile.makeFolder(folder)
        guard let content = contentHash(checkpoint, noting: false) else { return }
        guard (try? writeFile(matrices, content)) != nil else { return }
        writeNote(checkpoint, content)
    }

    /// The hash of the base's weights as it was computed when they were packed.
    func baseHash(of checkpoint: CheckpointFolder) -> String? {
        guard let content = contentHash(checkpoint, noting: true) else { return nil }
        return text(folder + "/" + content + ".base")
    }

    /// Keeps the hash of the base's weights for the next start.
    func write(baseHash: String, of checkpoint: CheckpointFolder) {
        guard let content = contentHash(checkpoint, noting: true) else { return }
        try? DurableFile.write(Array(baseHash.utf8), to: folder + "/" + content + ".base")
    }

    /// A file that holds a hash and nothing else.
    private func text(_ path: String) -> String? {
        guard let file = try? MemoryMappedFile(path: path), file.bytes.count == 64 else {
            return nil
        }
        return withExtendedLifetime(file) { String(decoding: file.bytes, as: UTF8.self) }
    }

    private func writeFile(
        _ matrices: [(name: String, matrix: TiledMatrix)],
        _ content: String
    ) throws(CheckpointError) {
        var metadata = [(key: "content", value: content), (key: "version", value: version)]
        for (name, matrix) in matrices {
            let block = (matrix as? NF4Matrix)?.blockSize ?? 0  // 0: 8 bits
            let shape = "\(matrix.rows),\(matrix.columns),\(block)"
            metadata.append((key: name, value: "\(shape),\(Checksum.of(matrix.storage))"))
        }
        var writer = SafetensorsWriter<CheckpointError>(metadata: metadata)
        for (name, matrix) in matrices {
            let entry = SafetensorsWriter<CheckpointError>.Entry(
                name: name,
                type: .u8,
                shape: [matrix.storage.count]
            )
            writer.append([entry]) { (sink) throws(CheckpointError) in try sink(matrix.storage) }
        }
        try DurableFile.write(writer, to: path(content))
    }

    private func path(_ content: String) -> String { folder + "/" + content + ".safetensors" }

    /// The hash of configuration and weight files: from the note where one fits, else computed.
    private func contentHash(_ checkpoint: CheckpointFolder, noting: Bool) -> String? {
        if let content = text(note(checkpoint)) { return content }
        // Without a packed file there is nothing to find, and no reason to hash gigabytes.
        guard !noting || hasPackedFiles else { return nil }
        var hash = SHA256()
        hash.update(version)
        hash.update(checkpoint.configuration.serialized)
        for file in checkpoint.files {
            file.forEachPiece { hash.update($0) }
        }
        let content = Hex.text(hash.finalize())
        if noting, access(path(content), R_OK) == 0 { writeNote(checkpoint, content) }
        return content
    }

    private var hasPackedFiles: Bool {
        let names = (try? FileTree.names(in: folder)) ?? []
        return names.contains { $0.hasSuffix(".safetensors") }
    }

    private func writeNote(_ checkpoint: CheckpointFolder, _ content: String) {
        try? DurableFile.write(Array(content.utf8), to: note(checkpoint))
    }

    /// The path of the note about these very files.
    private func note(_ checkpoint: CheckpointFolder) -> String {
        var hash = SHA256()
        hash.update(version)
        hash.update(checkpoint.configuration.serialized)
        for file in checkpoint.files {
            let stamp = file.stamp
            let identity = [stamp.device, stamp.inode, stamp.size]
            let numbers = identity + stamp.modified + stamp.changed
            hash.update(numbers.map { String($0) }.joined(separator: " "))
        }
        return folder + "/" + Hex.text(hash.finalize()) + ".note"
    }
}

/// A packed file and its matrices.
final class PackedWeights: Sendable {
    private let file: SafetensorsFile

    init(_ file: SafetensorsFile) { self.file = file }

    /// The names of the matrices it holds.
    var names: [String] { file.tensors.map(\.name) }

    /// A matrix over the mapped file; nil where it is not there, of another shape, or damaged.
    func matrix(_ name: String, rows: Int, columns: Int) -> TiledMatrix? {
        guard let tensor = file[name], let described = file.metadata[name] else { return nil }
        let parts = described.split(separator: ",")
        guard parts.count == 4, let blockSize = Int(parts[2]), Int(parts[0]) == rows,
            Int(parts[1]) == columns,
            UInt64(parts[3]) == Checksum.of(tensor.bytes)
        else { return nil }
        guard blockSize > 0 else {
            return Int8Matrix(storage: tensor.bytes, owner: file, rows: rows, columns: columns)
        }
        return NF4Matrix(
            storage: tensor.bytes,
            owner: file,
            rows: rows,
            columns: columns,
            blockSize: blockSize
        )
    }
}

/// A checksum against damage, not against malice, at the speed of memory.
enum Checksum {
    /// Eight chains of multiply and add over 64-bit words, folded.
    static func of(_ bytes: UnsafeRawBufferPointer) -> UInt64 {
        var lanes = SIMD8<UInt64>(repeating: SplitMix64.gamma)
        let prime = SIMD8<UInt64>(repeating: 0x100_0000_01B3)
        let whole = bytes.count / 64 * 64
        if let base = bytes.baseAddress {
            var offset = 0
            while offset < whole {
                let words = base.loadUnaligned(fromByteOffset: offset, as: SIMD8<UInt64>.self)
                lanes = (lanes ^ words) &* prime
                offset += 64
            }
        }
        var sum = UInt64(bytes.count)
        for index in 0..<8 { sum = SplitMix64.finalize(sum ^ lanes[index]) }
        for byte in bytes[whole...] { sum = SplitMix64.finalize(sum ^ UInt64(byte)) }
        return sum
    }
}
