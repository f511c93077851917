/// Does the sampling tasks of a step on the model's threads, each with a workspace of its own.
///
/// Tasks touch their own choice and their own row, so the threads share nothing. What they are
/// called with is made once: a closure per step would be an allocation per step.
final class BatchSampler {
    private let model: any StepModel
    private let workspaces: [SamplerWorkspace]
    private var tasks = UnsafeMutableBufferPointer<SamplingTask>(start: nil, count: 0)
    private var workers = 0
    private lazy var work: (Int) -> Void = { [unowned self] worker in
        for index in stride(from: worker, to: tasks.count, by: workers) {
            tasks[index].run(model, workspaces[worker])
        }
    }

    init(model: any StepModel) {
        self.model = model
        workspaces = (0..<max(1, model.threads)).map { _ in
            SamplerWorkspace(vocabulary: model.vocabularySize)
        }
    }

    /// Runs all tasks and returns when they have their results.
    func run(_ all: inout [SamplingTask]) {
        all.withUnsafeMutableBufferPointer { all in
            tasks = all
            workers = min(workspaces.count, all.count)
            model.parallel(workers, work)
            tasks = UnsafeMutableBufferPointer(start: nil, count: 0)
        }
    }
}
