import Glibc

/// A model in llama.cpp's format: its header, and what it says in the words of Hugging Face files.
public struct GGUFModel: Sendable {
    /// The file, and the others of its shards.
    let files: [MemoryMappedFile]
    private let headers: [GGUFFile]

    /// Whether a path names such a file.
    public static func isNamed(_ path: String) -> Bool {
        path.utf8.suffix(5).elementsEqual(".gguf".utf8)
    }

    /// Maps the file; where it is one of several shards (`…-00001-of-00003.gguf`), all of them.
    public init(path: String) throws(CheckpointError) {
        var files: [MemoryMappedFile] = []
        var headers: [GGUFFile] = []
        for path in Self.shards(path) {
            let file = try MemoryMappedFile(path: path)
            do throws(GGUFError) {
                headers.append(try GGUFFile(file.bytes, fileSize: file.bytes.count))
            } catch {
                throw .malformed(path: path, reason: error.reason)
            }
            files.append(file)
        }
        self.files = files
        self.headers = headers
        guard let type = metadata["general.type"]?.string, type != "model" else { return }
        throw .malformed(path: path, reason: "it holds a llama.cpp \(quoted(type)), no model")
    }

    /// The metadata by key; shards after the first have none of their own.
    var metadata: [String: GGUFValue] { headers[0].metadata }

    /// Every tensor with the file it is in.
    var tensors: [(tensor: GGUFTensor, file: MemoryMappedFile)] {
        zip(headers, files).flatMap { header, file in header.tensors.map { ($0, file) } }
    }

    /// The shape of a tensor, if there is one of that name.
    func tensor(_ name: String) -> (tensor: GGUFTensor, file: MemoryMappedFile)? {
        tensors.first { $0.tensor.name.utf8.elementsEqual(name.utf8) }
    }

    /// The metadata as they are in the file.
    var rawMetadata: [(key: String, kind: UInt32, bytes: [UInt8])] {
        headers[0].places.map { ($0.key, $0.kind, Array(files[0].bytes[$0.range])) }
    }

    /// An array of metadata; `nil` where there is none of that key.
    func array(_ key: String) throws(CheckpointError) -> [GGUFValue]? {
        guard case .array(let array)? = metadata[key] else { return nil }
        return try refusing { () throws(GGUFError) in try array.elements(in: files[0].bytes) }
    }

    /// An error about this file.
    func malformed(_ reason: String) -> CheckpointError {
        .malformed(path: files[0].path, reason: reason)
    }

    private func refusing<T>(_ body: () throws(GGUFError) -> T) throws(CheckpointError) -> T {
        do throws(GGUFError) { return try body() } catch { throw malformed(error.reason) }
    }

    /// A chat template of a file; `nil` where it has none, or cannot be read.
    public static func chatTemplate(of path: String, named name: String? = nil) -> String? {
        let key = "tokenizer.chat_template" + (name.map { "." + $0 } ?? "")
        return (try? GGUFModel(path: path))?.metadata[key]?.string
    }

    /// SHA-256 of the metadata, which hold tokenizer and templates; `nil` for what is no such file.
    public static func metadataHash(of path: String) -> [UInt8]? {
        guard let model = try? GGUFModel(path: path) else { return nil }
        var hash = SHA256()
        hash.update(
            UnsafeRawBufferPointer(rebasing: model.files[0].bytes[..<model.headers[0].size])
        )
        return hash.finalize()
    }

    /// The paths of all shards of which `path` is one.
    private static func shards(_ path: String) -> [String] {
        let end = Array(path.utf8.suffix("-00001-of-00003.gguf".utf8.count))
        guard end.count == 20, end[0] == UInt8(ascii: "-"), end[6...9].elementsEqual("-of-".utf8),
            let count = Int(String(decoding: end[10...14], as: UTF8.self)), (2...999) ~= count
        else { return [path] }
        let stem = String(path.dropLast(20))
        func digits(_ number: Int) -> String {
            let text = String(number)
            return String(repeating: "0", count: 5 - text.count) + text
        }
        return (1...count).map { "\(stem)-\(digits($0))-of-\(digits(count)).gguf" }
    }
}

extension GGUFModel {
    /// The tensors by their names in Hugging Face layout: floats in order as they are, others
    /// as rows to be read.
    ///
    /// Those that the configuration speaks for (factors of rotary frequencies) are left out.
    func weights(
        of architecture: Architecture
    ) throws(CheckpointError) -> (tensors: [Tensor], stored: [(name: String, rows: any RowSource)])
    {
        guard let family = GGUFFamily(architecture) else {
            throw malformed("llama.cpp has no \(architecture.family) models")
        }
        var tensors: [Tensor] = []
        var stored: [(name: String, rows: any RowSource)] = []
        for (tensor, file) in self.tensors where !GGUFConfiguration.isFactor(tensor.name) {
            for part in parts(of: tensor, family) {
                let bytes = UnsafeRawBufferPointer(rebasing: file.bytes[part.range])
                let isVector = part.rows == 1
                if part.heads == nil, part.offset == 0, let type = tensor.type.tensorType {
                    let shape = isVector ? [part.columns] : [part.rows, part.columns]
                    tensors.append(
                        Tensor(name: part.name, type: type, shape: shape, bytes: bytes, file: file)
                    )
                    continue
                }
                // A vector is read as one column, so that the rows of biases can be reordered.
                let isColumn = isVector && tensor.type.blockElements == 1
                let rows = GGUFMatrix(
                    bytes,
                    tensor.type,
                    rows: isColumn ? part.columns : part.rows,
                    columns: isColumn ? 1 : part.columns,
                    heads: part.heads,
                    offset: part.offset,
                    owner: file
                )
                guard let rows else {
                    throw malformed("\(quoted(tensor.name)) does not have the model's heads")
                }
                stored.append((part.name, rows))
            }
        }
        return (tensors, stored)
    }

    private struct Part {
        var name: String
        var range: Range<Int>
        var rows: Int, columns: Int
        var heads: Int?
        var offset: Float = 0
    }

    /// What a tensor is in Hugging Face layout: one tensor, or one for every expert.
    private func parts(of tensor: GGUFTensor, _ family: GGUFFamily) -> [Part] {
        let dot = tensor.name.lastIndex(of: ".") ?? tensor.name.endIndex
        let (stem, end) = (String(tensor.name[..<dot]), String(tensor.name[dot...]))
        var part = Part(
            name: tensor.name,
            range: tensor.range,
            rows: tensor.rows,
            columns: tensor.columns
        )
        if let (layer, rest) = GGUFFamily.split(stem, prefix: "blk."),
            let module = family.experts[rest]
        {
            let size = tensor.range.count / tensor.matrices
            return (0..<tensor.matrices).map { expert in
                let first = tensor.range.lowerBound + expert * size
                let path = module.split(separator: "%").joined(separator: "\(expert)")
                part.name = "model.layers.\(layer).\(path)\(end)"
                part.range = first..<first + size
                return part
            }
        }
        guard tensor.matrices == 1 else {
            // No model here has such a tensor: it is refused by its name.
            part.rows = tensor.rows * tensor.matrices
            return [part]
        }
        if let module = family.module(of: stem) {
            part.name = module + end
            part.heads = family.reorderedHeads(of: stem)
        } else if let norm = family.norm(of: stem) {
            part.name = norm + end
            part.offset = tensor.rows == 1 ? family.normOffset : 0
        }
        return [part]
    }
}

extension GGUFFamily {
    /// The norm or router of a tensor such as `blk.3.attn_norm`.
    fileprivate func norm(of tensor: String) -> String? {
        if tensor == "output_norm" { return "model.norm" }
        guard let (layer, rest) = Self.split(tensor, prefix: "blk."),
            let module = others.first(where: { $0.value == rest })?.key
        else { return nil }
        return "model.layers.\(layer).\(module)"
    }
}
