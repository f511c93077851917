/// Numbers of a layer that are kept in fp32: a bias, the weights of a norm.
///
/// Immutable: written by the initialiser alone.
final class FloatVector: @unchecked Sendable {
    private let memory: AlignedBuffer<Float>

    /// The numbers of a tensor in any float format.
    init(_ source: UnsafeRawBufferPointer, format: FloatFormat, count: Int) {
        precondition(source.count >= count * format.width, "too few numbers")
        memory = AlignedBuffer(count: count)
        if let base = source.baseAddress {
            format.decode(base, count: count, into: memory.baseAddress)
        }
    }

    var count: Int { memory.count }
    var pointer: UnsafePointer<Float> { UnsafePointer(memory.baseAddress) }
    var bytes: UnsafeRawBufferPointer { memory.bytes }
}
