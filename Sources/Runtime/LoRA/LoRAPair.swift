import Synchronization

/// What one adapter adds to one linear layer: y += scale × B A x, and what goes with it.
///
/// The pointers are valid as long as the adapter.
///
/// Immutable: pointers into memory that the adapter keeps.
public struct LoRAPair: @unchecked Sendable {
    /// The layer.
    public let module: LinearModule
    /// Rank; 0 where the adapter only replaces the bias.
    public let rank: Int
    /// A [rank, inputs].
    public let a: UnsafeRawPointer
    /// B transposed [rank, outputs].
    public let bTransposed: UnsafeRawPointer
    /// Format of both.
    public let format: FloatFormat
    /// alpha / rank, or alpha / √rank with rsLoRA.
    public let scale: Float
    /// DoRA's magnitudes; nil for plain LoRA.
    public let dora: DoRA?
    /// Added to B A x before scaling (`lora_bias`) [outputs].
    public let loraBias: UnsafePointer<Float>?
    /// Takes the place of the layer's own bias [outputs].
    public let bias: UnsafePointer<Float>?
}

/// DoRA: the weight keeps its direction W + s B A and takes its length per output from m.
///
/// y = m / ‖W + s B A‖ × (W x + s B A x). The norm for any s follows from three vectors, so that a
/// request's own scale costs nothing: ‖W‖² + 2 s ⟨W, B A⟩ + s² ‖B A‖².
public final class DoRA: Sendable {
    /// Magnitudes m [outputs].
    public let magnitude: DoRAMagnitude
    /// A, B and m change between steps, so that nothing made of them may be kept.
    let isTrainable: Bool
    let products = Mutex<DoRAProducts?>(nil)

    init(magnitude: DoRAMagnitude, isTrainable: Bool) {
        self.magnitude = magnitude
        self.isTrainable = isTrainable
    }
}

/// DoRA's magnitudes in memory the adapter keeps.
///
/// Immutable: a pointer into memory that the adapter keeps.
public struct DoRAMagnitude: @unchecked Sendable {
    /// m [outputs].
    public let values: UnsafePointer<Float>
}

/// ‖W‖², ⟨W, B A⟩ and ‖B A‖² per output.
struct DoRAProducts: Sendable {
    var weight: [Float]
    var cross: [Float]
    var delta: [Float]

    /// ‖W + s B A‖ of one output.
    func norm(_ output: Int, scale: Float) -> Float {
        let square =
            weight[output] + 2 * scale * cross[output] + scale * scale * delta[output]
        return max(square, 0).squareRoot()
    }
}
