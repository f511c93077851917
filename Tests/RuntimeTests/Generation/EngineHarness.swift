@testable import InferenceRuntime
import Synchronization
import TestSupport

/// An engine core over a scripted model, driven step by step.
final class EngineHarness {
    let model: ScriptedModel
    let core: EngineCore
    private var recorders: [Recorder] = []

    init(
        blocks: Int = 64,
        limits: SchedulerLimits = .forTests(),
        vocabularySize: Int = 97,
        script: (([Int32]) -> [Float])? = nil
    ) {
        model = ScriptedModel(
            vocabularySize: vocabularySize,
            blocks: blocks,
            maxLogitRows: limits.logitRows
        )
        model.script = script
        core = EngineCore(model: model, limits: limits, kvBlocks: blocks)
    }

    @discardableResult
    func submit(_ request: GenerationRequest) -> Recorder {
        let recorder = Recorder(id: GenerationID(value: recorders.count))
        let sink = EventSink(send: { recorder.record($0) }, end: { recorder.end() })
        core.submit(request, id: recorder.id, sink: sink)
        recorders.append(recorder)
        return recorder
    }

    /// Runs until nothing is left, at most `steps` steps.
    ///
    /// Returns how many.
    @discardableResult
    func run(steps: Int = 100_000) -> Int {
        for step in 0..<steps where !core.runStep() { return step }
        return steps
    }

    /// What one request gives on an engine of its own.
    static func alone(
        _ request: GenerationRequest,
        blocks: Int = 64,
        limits: SchedulerLimits = .forTests(),
        script: (([Int32]) -> [Float])? = nil
    ) -> Recorder {
        let harness = EngineHarness(blocks: blocks, limits: limits, script: script)
        let recorder = harness.submit(request)
        harness.run()
        return recorder
    }
}

/// The events of one request.
final class Recorder: Sendable {
    let id: GenerationID
    private let state = Mutex((events: [GenerationEvent](), hasEnded: false))

    init(id: GenerationID) {
        self.id = id
    }

    var events: [GenerationEvent] { state.withLock { $0.events } }
    var hasEnded: Bool { state.withLock { $0.hasEnded } }

    func record(_ event: GenerationEvent) { state.withLock { $0.events.append(event) } }
    func end() { state.withLock { $0.hasEnded = true } }

    /// Tokens of a choice.
    func tokens(_ choice: Int = 0) -> [Int32] { samples(choice).map(\.id) }

    func samples(_ choice: Int = 0) -> [TokenSample] {
        events.compactMap { event in
            if case .token(choice, let sample) = event { sample } else { nil }
        }
    }

    func finish(_ choice: Int = 0) -> FinishReason? {
        for case .finished(choice, let reason, _) in events { return reason }
        return nil
    }

    func usage(_ choice: Int = 0) -> GenerationUsage? {
        for case .finished(choice, _, let usage) in events { return usage }
        return nil
    }

    var prompt: PromptSummary? {
        for case .prompt(let summary) in events { return summary }
        return nil
    }

    var failure: EngineError? {
        for case .failed(let error) in events { return error }
        return nil
    }
}
