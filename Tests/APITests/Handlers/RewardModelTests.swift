import AdapterStore
import Foundation
import InferenceRuntime
import Logging
import Storage
import TestSupport
import Testing
import Trainer

@testable import API

/// A whole server around a tiny model with random weights: real engine, trainer and stores.
private struct TrainingWorld {
    let folder = NSTemporaryDirectory() + "facet-reward-" + UUID().uuidString
    let adapters: AdapterStore
    let engine: Engine
    private let jobs: FineTuningService
    private let handler: AuthenticatedRouter

    init() async throws {
        let pool = ThreadPool(threads: 1)
        let model = try TinyModel.llama(compute: .fp32, pool: pool)
        let base = try TestAPI.base(
            templates: ChatTemplateSet(
                main: try ChatTemplate(source: TestModel.template),
                toolUse: nil
            ),
            defaults: GenerationDefaults(stopTokens: [TestModel.end])
        )
        let limits = SchedulerLimits(maxBatch: 4, contextTokens: 512)
        engine = try Engine(
            model: model,
            pool: pool,
            configuration: EngineConfiguration(limits: limits, kvBlocks: 256)
        )
        let database = try TestDatabase.open(
            folder + "/data",
            migrations: [.adapters, FineTuningStore.migrations, FileStore.migrations]
        )
        adapters = try AdapterStore(
            database: database,
            configuration: AdapterStoreConfiguration(
                base: AdapterBase(
                    name: TestAPI.baseID,
                    hash: model.baseHash,
                    architecture: model.architecture
                ),
                memoryBudget: 64 << 20,
                roots: try AdapterRoots([folder])
            )
        )
        let files = try await FileStore(database: database)
        let logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
        let environment = EngineTrainer.Environment(
            model: model,
            base: base,
            engine: engine,
            context: ComputeContext(pool: pool, dtype: .fp32),
            adapters: adapters,
            files: files,
            folder: folder + "/data/jobs",
            memory: MemoryLedger(total: 1 << 30, allotments: [.training: 1 << 29])
        )
        jobs = FineTuningService(
            store: FineTuningStore(database: database),
            trainer: EngineTrainer(environment, logger: logger),
            maximumRunning: 1,
            logger: logger
        )
        let services = FacetServices(
            model: ServedModel(
                base,
                hash: model.baseHash,
                created: 1_700_000_000,
                hiddenSize: model.architecture.hiddenSize,
                generator: engine
            ),
            adapters: adapters,
            files: files,
            jobs: jobs
        )
        handler =
            services.routes(
                FacetServerConfiguration(),
                authenticator: Authenticator(ring: nil),
                state: ServerState(),
                logger: logger
            ).handler
        try await jobs.start()
    }

    func stop() async {
        await jobs.stop()
        await engine.stop(draining: false)
        try? FileManager.default.removeItem(atPath: folder)
    }

    func post(_ path: String, _ body: JSONValue) async throws -> TestAPI.Reply {
        try await send(.post, path, body.serializedBytes, "application/json")
    }

    func get(_ path: String) async throws -> TestAPI.Reply {
        try await send(.get, path, [], "application/json")
    }

    private func send(
        _ method: HTTPMethod,
        _ path: String,
        _ body: [UInt8],
        _ type: String
    ) async throws -> TestAPI.Reply {
        let request = HTTPRequest(
            method: method,
            target: path,
            headers: ["Content-Type": type],
            body: HTTPBody(body)
        )
        do {
            return try await TestAPI.read(try await handler.handle(request))
        } catch let error as APIError {
            return try await TestAPI.read(error.response)
        }
    }

    /// Uploads lines and gives the file's id.
    func upload(_ lines: [JSONValue]) async throws -> JSONValue {
        let content = lines.map(\.serialized).joined(separator: "\n")
        let head = "--b\r\nContent-Disposition: form-data; name="
        let body =
            "\(head)\"purpose\"\r\n\r\nfine-tune\r\n\(head)\"file\"; filename=\"pairs.jsonl\"\r\n"
            + "Content-Type: application/octet-stream\r\n\r\n\(content)\r\n--b--\r\n"
        let reply = try await send(
            .post,
            "/v1/files",
            Array(body.utf8),
            "multipart/form-data; boundary=b"
        )
        return try #require(reply.json["id"], "\(reply.text)")
    }

    /// Waits until a job has ended.
    func end(of id: String) async throws -> JSONValue {
        for _ in 0..<1200 {
            let job = try await get("/v1/fine_tuning/jobs/\(id)").json
            if ["succeeded", "failed", "cancelled"].contains(job["status"]?.string) { return job }
            try await Task.sleep(for: .milliseconds(100))
        }
        return .null
    }
}

@Suite("Reward models over HTTP")
struct RewardModelTests {
    /// A question, whose kind answer is better than the rude one.
    private static func pair(_ number: Int) -> JSONValue {
        let words = ["lamp", "kettle", "clock", "chair", "boots", "rope", "map", "sail"]
        let word = words[number % words.count]
        let (kind, rude) = ("Gladly, the \(word) \(number)", "No, \(number) \(word)s?")
        return [
            "input": ["messages": [["role": "user", "content": .string("A \(word), \(number)")]]],
            "preferred_output": [["role": "assistant", "content": .string(kind)]],
            "non_preferred_output": [
                ["role": "assistant", "content": .string(rude + " Go away!")]
            ],
        ]
    }

    private func job(_ world: TrainingWorld, from model: JSONValue = "tiny") async throws
        -> JSONValue
    {
        let training = try await world.upload((0..<24).map(Self.pair))
        let validation = try await world.upload((40..<48).map(Self.pair))
        let options: JSONValue = [
            "n_epochs": 4, "batch_size": 4, "learning_rate": 3e-3, "lora_rank": 4,
            "save_steps": 12,
        ]
        let request: JSONValue = [
            "model": model, "training_file": training, "validation_file": validation, "seed": 7,
            "method": ["type": "reward", "reward": ["hyperparameters": options]],
        ]
        let plan = try await world.post("/v1/fine_tuning/plan", request).json
        #expect(plan["stage"] == "rm" && plan["total_steps"] == 24, "\(plan)")
        let created = try await world.post("/v1/fine_tuning/jobs", request)
        let id = try #require(created.json["id"]?.string, "\(created.text)")
        let job = try await world.end(of: id)
        #expect(job["status"] == "succeeded", "\(job)")
        #expect(job["method"]?["type"] == "reward")
        return job
    }

    private func scores(
        _ world: TrainingWorld,
        _ model: JSONValue,
        _ body: JSONObject
    ) async throws -> [Double] {
        var body = body
        body["model"] = model
        let reply = try await world.post("/v1/score", .object(body))
        #expect(reply.status == 200, "\(reply.text)")
        return (reply.json["data"]?.array ?? []).compactMap { $0["score"]?.double }
    }

    private let question = "A kettle, 90"
    private let answers: [JSONValue] = [
        "No, 90 kettles? Go away!", "Gladly, the kettle 90", "No, 3 boots? Go away!",
    ]

    @Test("a job learns a preference; rankings, scores and graders go by it, from copies too")
    func learns() async throws {
        let world = try await TrainingWorld()
        let job = try await job(world)
        let model = try #require(job["fine_tuned_model"])
        let name = try #require(model.string)
        let id = try #require(job["id"]?.string)
        let points = try await world.get("/v1/fine_tuning/jobs/\(id)/checkpoints").json["data"]
        let metrics = try #require(points?.array?.first?["metrics"])
        #expect(metrics["valid_accuracy"]?.double == 1, "\(metrics)")
        #expect(metrics["valid_rewards/margins"]?.double.map { $0 > 0 } == true)

        let ranking = try await world.post(
            "/v1/rerank",
            ["model": model, "query": .string(question), "documents": .array(answers)]
        ).json["results"]?.array
        let results = try #require(ranking)
        #expect(results.first?["index"] == 1)
        let found = try await scores(
            world,
            model,
            ["text_1": .string(question), "text_2": .array(answers)]
        )
        for result in results {
            let place = try #require(result["index"]?.int)
            let relevance = try #require(result["relevance_score"]?.double)
            #expect(abs(relevance - 1 / (1 + exp(-found[place]))) < 1e-12)
        }
        #expect(found[1] > found[0] && found[1] > found[2])
        // Beside others and alone: the same bits.
        for (answer, score) in zip(answers, found) {
            let messages: JSONValue = [
                ["role": "user", "content": .string(question)],
                ["role": "assistant", "content": answer],
            ]
            #expect(try await scores(world, model, ["messages": messages]) == [score])
        }
        try await judges(world, model, found)
        try await copies(world, name, found)
        try await goesOn(world, model)
        await world.stop()
    }

    private func judges(
        _ world: TrainingWorld,
        _ model: JSONValue,
        _ found: [Double]
    ) async throws {
        func grade(_ grader: JSONObject, of item: JSONValue) async throws -> JSONValue {
            var grader = grader
            grader["type"] = "reward_model"
            grader["name"] = "taste"
            grader["model"] = grader["model"] ?? model
            return try await world.post(
                "/v1/fine_tuning/alpha/graders/run",
                ["grader": .object(grader), "item": item, "model_sample": answers[1]]
            ).json
        }
        let input: JSONValue = [["role": "user", "content": "{{item.question}}"]]
        let item: JSONValue = ["question": .string(question)]
        #expect(try await grade(["input": input], of: item)["reward"]?.double == found[1])
        let asked: JSONValue = ["messages": [["role": "user", "content": .string(question)]]]
        #expect(try await grade([:], of: asked)["reward"]?.double == found[1])
        let bounded = try await grade(["input": input, "range": [-2, -1]], of: item)
        #expect(bounded["reward"]?.double == -1)
        // The base scores nothing.
        let base = try await grade(["input": input, "model": "tiny"], of: item)
        let errors = base["metadata"]?["errors"]
        #expect(errors?["model_grader_server_error"] == true)
        #expect(
            errors?["model_grader_server_error_details"]?.string?.contains("no reward model")
                == true
        )
    }

    /// What is exported and loaded again is the same content with the same scores, and still answers.
    private func copies(_ world: TrainingWorld, _ name: String, _ found: [Double]) async throws {
        let generation = try world.adapters.resolve(name, for: .program, splitKey: "")
        let path = world.folder + "/copy.tar"
        try await world.adapters.export(generation, to: path, as: .tar)
        let loaded = try await world.post(
            "/v1/load_lora_adapter",
            ["lora_name": "copy", "lora_path": .string(path)]
        )
        #expect(loaded.status == 200, "\(loaded.text)")
        let copy = try world.adapters.resolve("copy", for: .program, splitKey: "")
        #expect(copy.hash == generation.hash)
        let body: JSONObject = ["text_1": .string(question), "text_2": .array(answers)]
        #expect(try await scores(world, "copy", body) == found)
        let chat = try await world.post(
            "/v1/chat/completions",
            [
                "model": "copy", "max_tokens": 2,
                "messages": [["role": "user", "content": .string(question)]],
            ]
        )
        #expect(chat.status == 200)
        let base = try await scores(world, "tiny", body)
        #expect(base.allSatisfy { abs($0) <= 1 } && base != found)
    }

    /// A job that goes on from a reward model begins with its score head.
    private func goesOn(_ world: TrainingWorld, _ model: JSONValue) async throws {
        let job = try await job(world, from: model)
        let id = try #require(job["id"]?.string)
        let events = try await world.get("/v1/fine_tuning/jobs/\(id)/events?limit=100").json["data"]
        let steps = (events?.array ?? []).compactMap { $0["data"] }
        let first = try #require(steps.first { $0["step"] == 1 })
        #expect(first["accuracy"]?.double == 1, "\(first)")
        #expect(first["train_loss"]?.double.map { $0 < 0.3 } == true)
    }
}
