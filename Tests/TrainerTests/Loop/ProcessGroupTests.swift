import Foundation
import InferenceRuntime
import Synchronization
import TestSupport
import Testing

@testable import Trainer

/// Processes that share a run, as threads of this one.
@Suite("Processes that train together")
struct ProcessGroupTests {
    /// Where the threads of one run meet: each leaves what it has, and gets what all left.
    private final class MeetingPoint: @unchecked Sendable {
        private let condition = NSCondition()
        private let count: Int
        private var left: [Int: [UInt8]] = [:]
        private var last: [[UInt8]] = []
        private var round = 0

        init(_ count: Int) { self.count = count }

        func exchange(_ bytes: [UInt8], of rank: Int) -> [[UInt8]] {
            condition.withLock {
                left[rank] = bytes
                let mine = round
                if left.count == count {
                    last = (0..<count).map { left[$0] ?? [] }
                    left = [:]
                    round += 1
                    condition.broadcast()
                }
                while round == mine { condition.wait() }
                return last
            }
        }
    }

    private struct Threads: ProcessGroup {
        let rank: Int
        let count: Int
        let point: MeetingPoint

        func gather(_ own: [UInt8]) -> [[UInt8]] { point.exchange(own, of: rank) }

        func broadcast(_ own: [UInt8]) -> [UInt8] { point.exchange(own, of: rank)[0] }
    }

    private static let units: [TrainingUnit] = (0..<7).map { number in
        let tokens = (0..<6 + number).map { Int32((number * 31 + $0 * 7) % 300) }
        let weights = tokens.indices.map { Float($0 < 2 ? 0 : 1) }
        return TrainingUnit(
            [EncodedExample(tokens: tokens, weights: weights, fullLength: tokens.count)],
            line: number + 1
        )
    }

    /// The same sequences as pairs, each beside the next.
    private static let pairs: [TrainingUnit] = units.indices.map { number in
        let others = [units[number], units[(number + 1) % units.count]]
        return TrainingUnit(others.flatMap(\.sequences), line: number + 1)
    }

    /// The parameters after three steps of as many processes; `nil`: of a run that knows of no group.
    private func parameters(
        _ count: Int?,
        accumulation: Int,
        method: TrainingMethod
    ) throws -> [[Float]] {
        let point = MeetingPoint(count ?? 1)
        let results = Mutex<[Int: Result<[Float], any Error>]>([:])
        let threads = (0..<(count ?? 1)).map { rank in
            Foundation.Thread {
                let group = count.map { Threads(rank: rank, count: $0, point: point) }
                let result = Result {
                    try train(in: group, accumulation: accumulation, method: method)
                }
                results.withLock { $0[rank] = result }
            }
        }
        for thread in threads {
            thread.stackSize = 4 << 20
            thread.start()
        }
        while results.withLock({ $0.count }) < threads.count { usleep(1000) }
        return try results.withLock { all in
            try all.keys.sorted().compactMap { try all[$0]?.get() }
        }
    }

    private func train(
        in group: Threads?,
        accumulation: Int,
        method: TrainingMethod
    ) throws -> [Float] {
        let pool = ThreadPool(threads: 1)
        let context = ComputeContext(pool: pool, dtype: .fp32)
        let model = try TinyModel.llama(compute: .fp32, pool: pool)
        let hyperparameters = try HyperparameterRequest(
            json: [
                "n_epochs": 3, "batch_size": 7, "learning_rate": 1e-2, "lora_rank": 2,
                "gradient_accumulation_steps": JSONValue(accumulation), "lora_dropout": 0.1,
            ],
            of: method
        ).resolved(examples: Self.units.count, seed: 5)
        let units = method == .reward ? Self.pairs : Self.units
        let plan = try TrainingPlan(
            hyperparameters: hyperparameters,
            data: TrainingData(training: units, validation: [], hash: "a", notes: [])
        )
        let state = try TrainingState(
            hyperparameters.loraConfiguration,
            for: model.architecture,
            hasScoreHead: method.hasScoreHead
        )
        state.initialize(seed: 5, model: model, context)
        let run = TrainingRun(
            model: model,
            plan: plan,
            state: state,
            workspace: TrainingWorkspace(model: model, longest: plan.longest, limit: 0),
            context: context,
            group: group
        )
        var record: StepRecord?
        for _ in 0..<3 { record = try run.step(after: record) {} }
        return Array(state.parameters.values.elements)
    }

    @Test(
        "the parameters have the same bits in every process, however many there are",
        arguments: [1, 4],
        [TrainingMethod.supervised, .reward]
    )
    func bits(accumulation: Int, method: TrainingMethod) throws {
        let alone = try #require(
            try parameters(nil, accumulation: accumulation, method: method).first
        )
        #expect(alone.contains { $0 != 0 })
        for count in [1, 2, 3, 6] {
            let all = try parameters(count, accumulation: accumulation, method: method)
            #expect(all.count == count)
            for own in all { #expect(own.map(\.bitPattern) == alone.map(\.bitPattern)) }
        }
    }

    @Test("a process that was started with something else is told what")
    func difference() throws {
        let point = MeetingPoint(2)
        let errors = Mutex<[ProcessGroupError?]>([])
        for rank in 0..<2 {
            Foundation.Thread {
                let group = Threads(rank: rank, count: 2, point: point)
                var error: ProcessGroupError?
                do {
                    try group.check(["base model": "a", "training data": rank == 0 ? "b" : "c"])
                } catch let thrown { error = thrown as? ProcessGroupError }
                errors.withLock { $0.append(error) }
            }.start()
        }
        while errors.withLock({ $0.count }) < 2 { usleep(1000) }
        #expect(errors.withLock { $0 } == [.differs("training data"), .differs("training data")])
    }

    @Test("passes are shared in their order, all of them once", arguments: 1...6)
    func shares(count: Int) {
        let point = MeetingPoint(count)
        for passes in 0...9 {
            let shared = (0..<count).flatMap {
                Array(Threads(rank: $0, count: count, point: point).share(of: passes))
            }
            #expect(shared == Array(0..<passes))
        }
    }
}
