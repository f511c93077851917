import Foundation
import InferenceRuntime
import Synchronization
import TestSupport
import Testing

@testable import API
@testable import Trainer

/// Runs told to a server of this machine that keeps what it is told.
@Suite("Tracking servers", .serialized)
struct TrackerTests {
    /// The script in `Tests/Fixtures/tracking`, as long as this value lives.
    private final class Server {
        private let process = Process()
        private let input = Pipe()
        let url: String

        init() throws {
            let output = Pipe()
            process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
            let script = SharedData.packageRoot + "/Tests/Fixtures/tracking/server.py"
            process.arguments = ["python3", script]
            (process.standardInput, process.standardOutput) = (input, output)
            try process.run()
            let data = output.fileHandleForReading.availableData
            let line = String(decoding: data, as: UTF8.self)
            let port = try #require(Int(line.split(separator: "\n").first ?? ""))
            url = "http://127.0.0.1:\(port)"
        }

        deinit { try? input.fileHandleForWriting.close() }

        func requests() throws -> [JSONValue] {
            let text = try String(
                contentsOf: try #require(URL(string: url + "/log")),
                encoding: .utf8
            )
            return try text.split(separator: "\n").map { try JSONValue(parsing: String($0)) }
        }
    }

    private let memory = TrackerMemory(
        path: NSTemporaryDirectory() + "trackers-\(UUID().uuidString).json"
    )
    private let run = TrackedRun(
        name: "butler",
        parameters: ["batch_size": 2, "learning_rate": 0.5],
        model: ["base": "tiny"]
    )

    private func record(_ step: Int) -> StepRecord {
        StepRecord(
            step: step,
            totalSteps: 3,
            epoch: Double(step) / 3,
            learningRate: 0.5,
            gradientNorm: 2,
            trainedTokens: 10 * step,
            readTokens: 20 * step,
            metrics: [.init(name: "train_loss", value: 4 - Double(step))],
            validation: step == 3 ? [.init(name: "valid_loss", value: 1.25)] : []
        )
    }

    private func report(
        _ kinds: [TrackerKind],
        _ environment: [String: String],
        steps: ClosedRange<Int>,
        isFinished: Bool = true
    ) async throws -> [String] {
        let told = Mutex<[String]>([])
        let trackers = try TrackerEnvironment(environment).trackers(kinds, memory: memory)
        let reporter = RunReporter(trackers, of: run) { text in told.withLock { $0.append(text) } }
        for step in steps { reporter.didStep(record(step)) }
        await reporter.end(isFinished ? (1...3).map(record) : nil, seconds: 6)
        return told.withLock { $0 }
    }

    @Test("W&B gets a run, a line for each step by transformers' names, and the end")
    func wandb() async throws {
        let server = try Server()
        let environment = [
            "WANDB_API_KEY": "sesame", "WANDB_BASE_URL": server.url, "WANDB_PROJECT": "shop",
        ]
        #expect(try await report([.wandb], environment, steps: 1...2, isFinished: false) == [])
        #expect(try await report([.wandb], environment, steps: 3...3) == [])
        let requests = try server.requests()
        let key = "Basic " + Data("api:sesame".utf8).base64EncodedString()
        #expect(requests.allSatisfy { $0["authorization"]?.string == key })
        let runs = requests.filter { $0["path"] == "/graphql" }.map { $0["body"]?["variables"] }
        #expect(runs.count == 2 && runs[0] == runs[1])
        #expect(runs[0]?["project"] == "shop" && runs[0]?["displayName"] == "butler")
        let config = try JSONValue(parsing: try #require(runs[0]?["config"]?.string))
        #expect(config["batch_size"]?["value"] == 2)
        let name = try #require(runs[0]?["name"]?.string)
        let streams = requests.filter { $0["path"]?.string == "/files/me/shop/\(name)/file_stream" }
        var lines: [Int: JSONValue] = [:]
        for stream in streams {
            let history = stream["body"]?["files"]?["wandb-history.jsonl"]
            let offset = history?["offset"]?.int ?? 0
            for (index, line) in (history?["content"]?.array ?? []).enumerated() {
                lines[offset + index] = try JSONValue(parsing: line.string ?? "")
            }
        }
        #expect(lines.keys.sorted() == [0, 1, 2])
        #expect(lines[1]?["train/loss"]?.double == 2 && lines[1]?["train/global_step"] == 2)
        #expect(lines[2]?["eval/loss"]?.double == 1.25)
        #expect(streams.last?["body"]?["complete"] == true)
        #expect(streams.last?["body"]?["exitcode"] == 0)
        let summary = streams.last?["body"]?["files"]?["wandb-summary.json"]?["content"]?.array?[0]
        let sums = try JSONValue(parsing: summary?.string ?? "")
        #expect(sums["train/train_runtime"]?.double == 6 && sums["train/loss"]?.double == 1)
    }

    @Test("MLflow gets an experiment, a run, parameters, metrics by step, and the end")
    func mlflow() async throws {
        let server = try Server()
        let environment = [
            "MLFLOW_TRACKING_URI": server.url.replacing("//", with: "//ann:open@"),
            "MLFLOW_EXPERIMENT_NAME": "the shop",
        ]
        #expect(try await report([.mlflow], environment, steps: 1...2, isFinished: false) == [])
        #expect(try await report([.mlflow], environment, steps: 3...3) == [])
        let requests = try server.requests()
        let key = "Basic " + Data("ann:open".utf8).base64EncodedString()
        #expect(requests.allSatisfy { $0["authorization"]?.string == key })
        func bodies(_ path: String) -> [JSONValue] {
            requests.filter { $0["path"]?.string == "/api/2.0/mlflow" + path }
                .compactMap { $0["body"] }
        }
        #expect(bodies("/experiments/create").map { $0["name"] } == ["the shop"])
        #expect(bodies("/runs/create").map { $0["run_name"] } == ["butler"])
        let batches = bodies("/runs/log-batch")
        #expect(batches.allSatisfy { $0["run_id"] == "run-of-17" })
        let parameters = batches.flatMap { $0["params"]?.array ?? [] }
        #expect(parameters.contains(["key": "batch_size", "value": "2"]))
        let losses = batches.flatMap { $0["metrics"]?.array ?? [] }.filter { $0["key"] == "loss" }
        #expect(losses.map { $0["step"]?.int } == [1, 2, 3])
        #expect(losses.map { $0["value"]?.double } == [3, 2, 1])
        let states = bodies("/runs/update").map { $0["status"]?.string }
        #expect(states == ["KILLED", "RUNNING", "FINISHED"])
    }

    @Test("a server that is away is told of once, without a key, and stops nothing")
    func away() async throws {
        let environment = [
            "WANDB_API_KEY": "sesame", "WANDB_BASE_URL": "http://127.0.0.1:9",
            "MLFLOW_TRACKING_URI": "http://ann:open@127.0.0.1:9",
        ]
        let start = ContinuousClock.now
        let told = try await report([.wandb, .mlflow], environment, steps: 1...3)
        #expect(told.count { $0.contains("W&B cannot be told") } == 1)
        #expect(told.count { $0.contains("MLflow cannot be told") } == 1)
        #expect(!told.joined().contains("sesame") && !told.joined().contains("open"))
        #expect(start.duration(to: .now) < .seconds(15))
    }

    @Test("what is not configured is refused by the variable's name")
    func missing() {
        for (kind, name) in [
            (TrackerKind.wandb, "WANDB_API_KEY"), (.mlflow, "MLFLOW_TRACKING_URI"),
        ] {
            let error = #expect(throws: TrackerEnvironmentError.self) {
                try TrackerEnvironment([:]).trackers([kind], memory: memory)
            }
            #expect(error?.description.contains(name) == true)
        }
        let bad = ["MLFLOW_TRACKING_URI": "file:///tmp/mlruns"]
        #expect(throws: TrackerEnvironmentError.self) {
            try TrackerEnvironment(bad).trackers([.mlflow], memory: memory)
        }
    }

    @Test("a job's integrations are read, kept and shown as they came")
    func integrations() throws {
        let wish: JSONValue = [
            "type": "wandb",
            "wandb": ["project": "shop", "name": "one", "entity": .null, "tags": ["a", "b"]],
        ]
        let read = try CreateFineTuningJobRequest.integrations(
            RequestFields(["integrations": [wish]])
        )
        #expect(read.map(\.json) == [wish])
        for wrong: JSONValue in [
            ["type": "wandb"], ["type": "mlflow", "mlflow": [:]], "wandb",
            ["type": "wandb", "wandb": ["project": ""]],
            ["type": "wandb", "wandb": ["project": "p", "tags": [1]]],
        ] {
            #expect(throws: APIError.self) {
                try CreateFineTuningJobRequest.integrations(
                    RequestFields(["integrations": [wrong]])
                )
            }
        }
    }
}
