import InferenceRuntime

/// What is measured: a model, its threads, and how often.
struct BenchModel {
    let model: Transformer
    let name: String
    let pool: ThreadPool
    let repetitions: Int

    var dtype: ComputeDType { model.compute }

    /// Any tokens; never the same ones, so that no prompt is in the prefix cache.
    func tokens(_ count: Int) -> [Int32] {
        let vocabulary = Int32(model.architecture.vocabularySize)
        return (0..<count).map { _ in Int32.random(in: 0..<vocabulary) }
    }

    /// Calls `body` once per repetition and gives the median, and the peak of memory.
    func median(
        _ body: (Int) async throws -> BenchResult.Sample
    ) async rethrows -> (sample: BenchResult.Sample, residentBytes: Int) {
        ResidentMemory.resetPeak()
        var samples: [BenchResult.Sample] = []
        for repetition in 0..<repetitions { samples.append(try await body(repetition)) }
        return (BenchResult.Sample.median(samples), ResidentMemory.peak)
    }
}
