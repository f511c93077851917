import AdapterStore
import InferenceRuntime

/// The numbers of an adapter under training: values, gradients and Adam's moments, each kind in one
/// run of memory so that clipping and the optimizer have one fixed order.
///
/// A is stored [rank, in] and B transposed, [rank, out], as the kernels read them; all A come
/// before all B.
// Only the training body of its run touches it, and that runs on the engine's thread.
final class TrainableParameters: @unchecked Sendable {
    /// One adapted linear layer.
    struct Module: Sendable, Hashable {
        /// Its path in the checkpoint, such as `model.layers.0.self_attn.q_proj`.
        let path: String
        /// Its width in.
        let inFeatures: Int
        /// Its width out.
        let outFeatures: Int
        /// Where its A begins.
        let a: Int
        /// Where its transposed B begins.
        let b: Int
        /// Where its magnitudes begin, with DoRA.
        let magnitude: Int?
    }

    /// Rank of every pair.
    let rank: Int
    /// The adapted layers, in the model's order.
    let modules: [Module]
    /// Number of elements of all A together: where B begins.
    let countOfA: Int
    /// The parameters.
    let values: AlignedBuffer<Float>
    /// The gradient of the loss, summed over the micro-batches of a step.
    let gradients: AlignedBuffer<Float>
    /// Adam's first moment.
    let firstMoments: AlignedBuffer<Float>
    /// Adam's second moment.
    let secondMoments: AlignedBuffer<Float>

    /// Zeroed parameters for some layers.
    init(layers: [(path: String, inFeatures: Int, outFeatures: Int)], rank: Int, dora: Bool) {
        self.rank = rank
        let countOfA = layers.reduce(0) { $0 + rank * $1.inFeatures }
        let countOfB = layers.reduce(0) { $0 + rank * $1.outFeatures }
        var (a, b, magnitude) = (0, countOfA, countOfA + countOfB)
        modules = layers.map { layer in
            defer {
                a += rank * layer.inFeatures
                b += rank * layer.outFeatures
                magnitude += dora ? layer.outFeatures : 0
            }
            return Module(
                path: layer.path,
                inFeatures: layer.inFeatures,
                outFeatures: layer.outFeatures,
                a: a,
                b: b,
                magnitude: dora ? magnitude : nil
            )
        }
        self.countOfA = countOfA
        values = AlignedBuffer(count: magnitude)
        gradients = AlignedBuffer(count: magnitude)
        firstMoments = AlignedBuffer(count: magnitude)
        secondMoments = AlignedBuffer(count: magnitude)
    }

    /// Number of trainable parameters.
    var count: Int { values.count }

    /// Fills A as PEFT does; B stays 0, so that training begins at the base.
    ///
    /// U(−1/√in, 1/√in), which is Kaiming with a = √5. A number depends on the seed and its place
    /// alone.
    func initialize(seed: Int) {
        for (index, module) in modules.enumerated() {
            let bound = 1 / Double(module.inFeatures).squareRoot()
            let stream = RandomStream(seed: seed, purpose: .initialization, index: index)
            for element in 0..<rank * module.inFeatures {
                let uniform = stream.uniform(element)
                values[module.a + element] = Float((2 * uniform - 1) * bound)
            }
        }
    }

    /// Sets all gradients to 0.
    func clearGradients() {
        gradients.elements.update(repeating: 0)
    }

    /// The first gradient that is no number, as the path of its layer; `nil` where all are.
    var firstBrokenGradient: String? {
        for module in modules {
            let ranges = [
                module.a..<module.a + rank * module.inFeatures,
                module.b..<module.b + rank * module.outFeatures,
                (module.magnitude ?? 0)..<(module.magnitude.map { $0 + module.outFeatures } ?? 0),
            ]
            for range in ranges
            where !gradients.elements[range].allSatisfy(\.isFinite) {
                return module.path
            }
        }
        return nil
    }
}
