/// The weights of a base as its checkpoint stores them, for what adapters bring of it.
///
/// Read from the files when first asked for: hardly any adapter does.
public final class BaseTensors: Sendable {
    private let folder: String

    /// The weights of a folder in Hugging Face layout.
    public init(folder: String) { self.folder = folder }

    /// Refuses tensors that are not the base's own.
    ///
    /// PEFT writes the whole embedding and the whole head beside an adapter that touches them, and
    /// whole modules of `modules_to_save`. All adapters here share one base, so these are served only
    /// where they are what the base has.
    /// - Parameter tensors: By the name of the base's tensor.
    func check(_ tensors: [(name: String, tensor: Tensor)]) throws(AdapterError) {
        let checkpoint: CheckpointFolder
        do throws(CheckpointError) {
            checkpoint = try CheckpointFolder(path: folder)
        } catch {
            throw .file(error)
        }
        for (name, tensor) in tensors {
            // A tied head is stored once.
            let own =
                checkpoint[name]
                ?? (name == "lm_head.weight" ? checkpoint["model.embed_tokens.weight"] : nil)
            guard let own else { throw .unknownTensor(tensor.name) }
            try tensor.checkNumbers(own.shape)
            guard tensor.isRounding(of: own) else { throw .ownWeight(tensor.name) }
        }
    }
}

extension Tensor {
    /// Whether all numbers are the other's, but for rounding to 16 bits.
    func isRounding(of other: Tensor) -> Bool {
        guard count == other.count, let format = type.floatFormat,
            let otherFormat = other.type.floatFormat,
            let base = bytes.baseAddress, let otherBase = other.bytes.baseAddress
        else { return false }
        var (mine, others) = (
            [Float](repeating: 0, count: 4096), [Float](repeating: 0, count: 4096)
        )
        var first = 0
        while first < count {
            let size = min(4096, count - first)
            mine.withUnsafeMutableBufferPointer { mine in
                others.withUnsafeMutableBufferPointer { others in
                    guard let mine = mine.baseAddress, let others = others.baseAddress else {
                        return
                    }
                    format.decode(base + first * format.width, count: size, into: mine)
                    otherFormat.decode(
                        otherBase + first * otherFormat.width,
                        count: size,
                        into: others
                    )
                }
            }
            for index in 0..<size {
                // BF16 rounds to 2⁻⁹ of a number, F16 to 2⁻²⁵ at least.
                let bound = abs(others[index]) / 256 + 1e-7
                guard abs(mine[index] - others[index]) <= bound else { return false }
            }
            first += size
        }
        return true
    }

    /// All numbers, of a tensor that was checked.
    public var floats: [Float] {
        [Float](unsafeUninitializedCapacity: count) { target, filled in
            filled = 0
            guard let base = bytes.baseAddress, let format = type.floatFormat,
                let target = target.baseAddress
            else { return }
            format.decode(base, count: count, into: target)
            filled = count
        }
    }
}
