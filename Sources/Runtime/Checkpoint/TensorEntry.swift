/// One tensor as a safetensors header describes it, checked.
struct TensorEntry {
    let name: String
    let type: TensorType
    let shape: [Int]
    let begin: Int
    let end: Int

    init(
        _ value: JSONValue,
        _ name: String,
        _ file: MemoryMappedFile
    ) throws(CheckpointError) {
        func problem(_ reason: String) -> CheckpointError {
            .malformed(path: file.path, reason: "\(quoted(name)) \(reason)")
        }
        guard case .object(let object) = value, object.firstDuplicateKey == nil else {
            throw problem("is no tensor")
        }
        guard let spelling = object["dtype"]?.string else { throw problem("has no dtype") }
        guard let type = TensorType(rawValue: spelling) else {
            throw problem("has the unknown dtype \(quoted(spelling))")
        }
        guard let extents = object["shape"]?.array else { throw problem("has no shape") }
        guard let offsets = object["data_offsets"]?.array, offsets.count == 2,
            let begin = offsets[0].int, let end = offsets[1].int, begin >= 0, begin <= end
        else { throw problem("has no valid data_offsets") }
        guard object.members.count == 3 else { throw problem("has unknown fields") }
        guard extents.count <= 16 else { throw problem("has \(extents.count) dimensions") }
        var shape: [Int] = []
        var size = type.width
        for extent in extents {
            guard let extent = extent.int, extent >= 0 else { throw problem("has no valid shape") }
            let (product, overflow) = size.multipliedReportingOverflow(by: extent)
            guard !overflow else { throw problem("has an impossible shape") }
            size = product
            shape.append(extent)
        }
        guard size == end - begin else {
            throw problem("has \(end - begin) bytes where dtype and shape make \(size)")
        }
        self.name = name
        self.type = type
        self.shape = shape
        self.begin = begin
        self.end = end
    }

    func tensor(
        in data: UnsafeRawBufferPointer,
        _ file: MemoryMappedFile
    ) throws(CheckpointError) -> Tensor {
        guard end <= data.count else {
            throw .malformed(path: file.path, reason: "\(quoted(name)) ends past the file")
        }
        return Tensor(
            name: name,
            type: type,
            shape: shape,
            bytes: UnsafeRawBufferPointer(rebasing: data[begin..<end]),
            file: file
        )
    }
}

extension Tensor {
    /// The tensor as the language model of a multimodal checkpoint calls it; nil where it is none of
    /// its own.
    var inLanguageModel: Tensor? {
        LanguageModelPart.canonical(name).map {
            Tensor(name: $0, type: type, shape: shape, bytes: bytes, file: file)
        }
    }
}
