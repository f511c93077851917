/// One allocation for all of an adapter's numbers, each tensor at 64 bytes.
final class AdapterMemory: @unchecked Sendable {  // filled before the adapter is shared
    /// Bytes handed out.
    private(set) var used = 0

    private let memory: AlignedBuffer<UInt8>

    /// Room for every tensor, at most in fp32.
    init(_ tensors: AdapterTensors) {
        var bytes = 0
        for parts in tensors.parts.values {
            let kept = [
                parts.a, parts.b, parts.loraBias, parts.magnitude, parts.bias, parts.embeddingA,
                parts.embeddingB,
            ]
            for tensor in kept { bytes += tensor.map { $0.count * 4 + 64 } ?? 0 }
        }
        memory = AlignedBuffer(count: bytes)
    }

    private func take(_ bytes: Int) -> UnsafeMutableRawPointer {
        let place = memory.baseAddress + used
        used += (bytes + 63) / 64 * 64
        precondition(used <= memory.count, "an adapter's memory holds all its tensors")
        return UnsafeMutableRawPointer(place)
    }

    /// Numbers as fp32.
    func floats(_ tensor: Tensor) -> UnsafePointer<Float> {
        UnsafePointer(copy(tensor, as: .f32).assumingMemoryBound(to: Float.self))
    }

    /// Numbers in a format: the tensor's own, or fp32.
    func copy(_ tensor: Tensor, as format: FloatFormat) -> UnsafeRawPointer {
        let target = take(tensor.count * format.width)
        guard let base = tensor.bytes.baseAddress, let own = tensor.type.floatFormat else {
            return UnsafeRawPointer(target)
        }
        if own.width == format.width {
            target.copyMemory(from: base, byteCount: tensor.bytes.count)
        } else {
            own.decode(
                base,
                count: tensor.count,
                into: target.assumingMemoryBound(to: Float.self)
            )
        }
        return UnsafeRawPointer(target)
    }

    /// A matrix [rows, columns] as [columns, rows].
    func copyTransposed(_ tensor: Tensor, as format: FloatFormat) -> UnsafeRawPointer {
        let (rows, columns) = (tensor.shape[0], tensor.shape[1])
        let target = take(tensor.count * format.width)
        let plain = UnsafeMutableRawPointer.allocate(
            byteCount: max(tensor.count * format.width, 1),
            alignment: 64
        )
        defer { plain.deallocate() }
        guard let base = tensor.bytes.baseAddress, let own = tensor.type.floatFormat else {
            return UnsafeRawPointer(target)
        }
        if own.width == format.width {
            plain.copyMemory(from: base, byteCount: tensor.bytes.count)
        } else {
            own.decode(
                base,
                count: tensor.count,
                into: plain.assumingMemoryBound(to: Float.self)
            )
        }
        if format.width == 4 {
            Self.transpose(plain, rows, columns, UInt32.self, to: target)
        } else {
            Self.transpose(plain, rows, columns, UInt16.self, to: target)
        }
        return UnsafeRawPointer(target)
    }

    private static func transpose<Element: BitwiseCopyable>(
        _ source: UnsafeMutableRawPointer,
        _ rows: Int,
        _ columns: Int,
        _ type: Element.Type,
        to target: UnsafeMutableRawPointer
    ) {
        let source = source.assumingMemoryBound(to: type)
        let target = target.assumingMemoryBound(to: type)
        for row in 0..<rows {
            for column in 0..<columns {
                target[column * rows + row] = source[row * columns + column]
            }
        }
    }
}
