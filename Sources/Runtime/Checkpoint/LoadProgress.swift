/// How far loading has come.
public struct LoadProgress: Sendable, Hashable {
    /// What is being done.
    public enum Phase: Sendable, Hashable {
        /// Weights are read and quantized to NF4.
        case quantizing
        /// Weights are read as they are.
        case reading
    }

    /// What is being done.
    public var phase: Phase
    /// Bytes of the checkpoint dealt with, and in all.
    public var bytesDone: Int, bytesTotal: Int

    /// From 0 to 1.
    public var fraction: Double {
        bytesTotal > 0 ? Double(bytesDone) / Double(bytesTotal) : 1
    }
}
