import InferenceRuntime

/// The gradients of a step's passes, each computed from zero and added in the order of the passes: the
/// sum has the same bits however many processes computed them.
struct GradientSum {
    private let gradients: LoRAGradients
    private let group: (any ProcessGroup)?
    private let passes: Int
    /// Alone, the sum so far; in a group, this process's passes, one behind the other.
    private var kept: [Float] = []

    /// - Parameter passes: Of the step, in all processes.
    init(_ gradients: LoRAGradients, passes: Int, in group: (any ProcessGroup)?) {
        self.gradients = gradients
        self.passes = passes
        self.group = group
        gradients.clear()
    }

    /// Takes the gradients of a pass, which are then zero again.
    mutating func take() {
        // The only pass is its own sum.
        guard passes > 1 || group != nil else { return }
        let values = gradients.tensors.values.elements
        if group != nil || kept.isEmpty {
            kept += values
        } else {
            kept.withUnsafeMutableBufferPointer { kept in
                for index in kept.indices { kept[index] += values[index] }
            }
        }
        gradients.clear()
    }

    /// Puts the sum over all passes where the optimizer reads it.
    /// - Throws: `ProcessGroupError`.
    mutating func finish() throws {
        guard let group else {
            if passes > 1 { put(kept, at: 0) }
            return
        }
        let count = gradients.tensors.values.elements.count
        // All passes of a piece of the parameters are held at a time, 64 MB.
        let piece = max(1, (1 << 24) / max(1, passes))
        let own = group.share(of: passes).count
        for first in stride(from: 0, to: count, by: piece) {
            let range = first..<min(first + piece, count)
            var bytes: [UInt8] = []
            bytes.reserveCapacity(own * range.count * 4)
            for pass in 0..<own {
                kept[pass * count + range.lowerBound..<pass * count + range.upperBound]
                    .withUnsafeBytes { bytes += $0 }
            }
            put(Self.sum(try group.gather(bytes), width: range.count), at: first)
        }
    }

    private func put(_ sum: [Float], at first: Int) {
        let values = gradients.tensors.values.baseAddress
        for (index, value) in sum.enumerated() { values[first + index] = value }
    }

    /// The sum of rows of so many numbers, in their order.
    private static func sum(_ parts: [[UInt8]], width: Int) -> [Float] {
        var sum: [Float] = []
        for part in parts {
            part.withUnsafeBytes { part in
                let numbers = part.bindMemory(to: Float.self)
                for first in stride(from: 0, to: numbers.count, by: width) {
                    if sum.isEmpty {
                        sum = Array(numbers[first..<first + width])
                    } else {
                        for index in 0..<width { sum[index] += numbers[first + index] }
                    }
                }
            }
        }
        return sum
    }
}
