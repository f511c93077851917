import InferenceRuntime
import TestSupport
import Testing
import Trainer

@testable import API

@Suite("Fine-tuning over HTTP")
struct FineTuningTests {
    private static let jobs = "/v1/fine_tuning/jobs"

    private func file(_ world: TestWorld) async throws -> JSONValue {
        try #require(try await world.upload(TestWorld.example).json["id"])
    }

    /// Asks for a job until it has the status.
    private func wait(_ world: TestWorld, _ id: String, for status: String) async throws
        -> JSONValue
    {
        for _ in 0..<1000 {
            let job = try await world.get("\(Self.jobs)/\(id)").json
            if job["status"]?.string == status { return job }
            try await Task.sleep(for: .milliseconds(5))
        }
        return try await world.get("\(Self.jobs)/\(id)").json
    }

    @Test("a job is made, told of, and ends; every document fits OpenAI's schemas")
    func wholeWay() async throws {
        let world = try await TestWorld()
        let created = try await world.post(
            Self.jobs,
            [
                "model": "tiny", "training_file": try await file(world), "suffix": "desk",
                "seed": 5, "metadata": ["team": "a"],
                "hyperparameters": ["n_epochs": 2, "lora_rank": 4],
                "method": [
                    "type": "supervised", "supervised": ["hyperparameters": ["n_epochs": 3]],
                ],
            ]
        )
        #expect(created.status == 200, "\(created.text)")
        #expect(OpenAISchemas.problems("FineTuningJob", created.json) == [])
        #expect(created.json["fine_tuned_model"] == .null)
        let id = try #require(created.json["id"]?.string)
        let job = try await wait(world, id, for: "succeeded")
        #expect(OpenAISchemas.problems("FineTuningJob", job) == [])
        #expect(job["hyperparameters"]?["n_epochs"] == 3)
        #expect(job["hyperparameters"]?["lora_rank"] == 4)
        #expect(job["method"]?["supervised"]?["hyperparameters"]?["n_epochs"] == 3)
        #expect(job["fine_tuned_model"]?.string?.hasPrefix("ft:tiny:acme:desk:") == true)
        #expect(job["trained_tokens"] == 7)
        #expect(job["seed"] == 5)
        #expect(job["metadata"] == ["team": "a"])

        let events = try await world.get("\(Self.jobs)/\(id)/events?limit=100")
        #expect(OpenAISchemas.problems("ListFineTuningJobEventsResponse", events.json) == [])
        let list = try #require(events.json["data"]?.array)
        #expect(list.contains { $0["type"] == "metrics" && $0["data"]?["train_loss"] == 0.5 })
        #expect(list.last?["message"]?.string?.hasPrefix("Created fine-tuning job") == true)
        let first = try await world.get("\(Self.jobs)/\(id)/events?limit=1").json
        #expect(first["has_more"] == true)
        let after = try #require(first["data"]?.array?.first?["id"]?.string)
        let second = try await world.get("\(Self.jobs)/\(id)/events?limit=1&after=\(after)").json
        #expect(second["data"]?.array?.first?["id"] == list[1]["id"])

        let checkpoints = try await world.get("\(Self.jobs)/\(id)/checkpoints")
        #expect(
            OpenAISchemas.problems("ListFineTuningJobCheckpointsResponse", checkpoints.json) == []
        )
        let steps = checkpoints.json["data"]?.array?.compactMap { $0["step_number"]?.int }
        #expect(steps == [2, 1])
        let newest = try #require(checkpoints.json["first_id"]?.string)
        let older = try await world.get("\(Self.jobs)/\(id)/checkpoints?after=\(newest)").json
        #expect(older["data"]?.array?.first?["step_number"] == 1)
        for path in ["cancel", "pause", "resume"] {
            let refused = try await world.post("\(Self.jobs)/\(id)/\(path)", [:])
            #expect(refused.status == 409)
            #expect(refused.headers["x-should-retry"] == "false")
        }
    }

    @Test("a job is paused, goes on, and is cancelled")
    func control() async throws {
        let script = TrainingScript(steps: 2, isOpen: false)
        let world = try await TestWorld(trainer: script)
        let file = try await file(world)
        let created = try await world.post(Self.jobs, ["model": "tiny", "training_file": file])
        let id = try #require(created.json["id"]?.string)
        _ = try await wait(world, id, for: "running")
        let fileID = try #require(file.string)
        let metrics = try await world.get("/metrics", as: "ops").text
        #expect(metrics.contains(#"facet_finetune_jobs{status="running"} 1"#))
        #expect(try await world.delete("/v1/files/\(fileID)").status == 409)
        #expect(try await world.post("\(Self.jobs)/\(id)/pause", [:]).json["status"] == "paused")
        let resumed = try await world.post("\(Self.jobs)/\(id)/resume", [:])
        #expect(resumed.json["status"] == "queued")
        let cancelled = try await world.post("\(Self.jobs)/\(id)/cancel", [:])
        #expect(cancelled.json["status"] == "cancelled")
        #expect(OpenAISchemas.problems("FineTuningJob", cancelled.json) == [])
        #expect(try await world.delete("/v1/files/\(fileID)").status == 200)
    }

    @Test("lists go page by page and by metadata; others see nothing")
    func lists() async throws {
        let world = try await TestWorld()
        let file = try await file(world)
        var ids: [String] = []
        for team in ["a", "b", "a"] {
            let body: JSONValue = [
                "model": "tiny", "training_file": file, "metadata": ["team": .string(team)],
            ]
            ids.append(try #require(try await world.post(Self.jobs, body).json["id"]?.string))
        }
        func list(_ query: String) async throws -> [String] {
            let reply = try await world.get(Self.jobs + query)
            #expect(OpenAISchemas.problems("ListPaginatedFineTuningJobsResponse", reply.json) == [])
            return reply.json["data"]?.array?.compactMap { $0["id"]?.string } ?? []
        }
        #expect(try await list("") == ids.reversed())
        #expect(try await list("?limit=1&after=\(ids[2])") == [ids[1]])
        #expect(try await list("?metadata%5Bteam%5D=a") == [ids[2], ids[0]])
        #expect(try await world.get(Self.jobs, as: "other").json["data"] == [])
        let foreign = try await world.get("\(Self.jobs)/\(ids[0])", as: "other")
        #expect(foreign.status == 404)
        #expect(try await world.get("\(Self.jobs)/nonsense").status == 404)
        #expect(try await world.get(Self.jobs + "?after=nonsense").status == 400)
    }

    private static let refusals: [(fields: String, status: Int, param: String)] = [
        (#"{"model": null}"#, 400, "model"),
        (#"{"model": "nobody"}"#, 404, "model"),
        (#"{"training_file": null}"#, 400, "training_file"),
        (#"{"training_file": "file-none"}"#, 404, "training_file"),
        (#"{"validation_file": "file-none"}"#, 404, "validation_file"),
        (#"{"suffix": "a b"}"#, 400, "suffix"),
        (#"{"seed": -1}"#, 400, "seed"),
        (#"{"integrations": [{"type": "wandb", "wandb": {"project": "x"}}]}"#, 400, "integrations"),
        (#"{"method": {"type": "reinforcement"}}"#, 400, "method.reinforcement.grader"),
        (#"{"method": {"type": "dpo2"}}"#, 400, "method.type"),
        (#"{"method": {}}"#, 400, "method.type"),
        (
            #"{"method": {"type": "dpo", "dpo": {"hyperparameters": {"beta": -1}}}}"#, 400,
            "method.dpo.hyperparameters.beta"
        ),
        (
            #"{"method": {"type": "dpo", "dpo": {"hyperparameters": {"loss": "ipo", "#
                + #""label_smoothing": 0.1}}}}"#, 400,
            "method.dpo.hyperparameters.label_smoothing"
        ),
        (
            #"{"method": {"type": "kto", "kto": {"hyperparameters": {"loss": "ipo"}}}}"#, 400,
            "method.kto.hyperparameters.loss"
        ),
        (#"{"hyperparameters": {"beta": 0.1}}"#, 400, "hyperparameters.beta"),
        (#"{"hyperparameters": {"n_epochs": 0}}"#, 400, "hyperparameters.n_epochs"),
        (#"{"hyperparameters": {"speed": 1, "depth": 2}}"#, 400, "hyperparameters.speed"),
        (
            #"{"method": {"type": "supervised", "supervised": {"hyperparameters": {"x": 1}}}}"#,
            400, "method.supervised.hyperparameters.x"
        ),
        (#"{"metadata": {"a": 1}}"#, 400, "metadata.a"),
    ]

    @Test("what cannot be trained is refused by name", arguments: refusals)
    func refused(_ fields: String, _ status: Int, _ param: String) async throws {
        let world = try await TestWorld()
        var body: JSONObject = ["model": "tiny", "training_file": try await file(world)]
        for (key, value) in try #require(try JSONValue(parsing: fields).object).members {
            body[key] = value
        }
        let reply = try await world.post(Self.jobs, .object(body))
        #expect(reply.status == status)
        #expect(reply.json["error"]?["param"]?.string == param)
        if fields.contains("depth") {
            let message = try #require(reply.json["error"]?["message"]?.string)
            #expect(message.contains("'speed'") && message.contains("'depth'"))
        }
    }

    @Test("the legacy paths show the same job in the old words")
    func legacy() async throws {
        let world = try await TestWorld()
        let file = try await file(world)
        let created = try await world.post(
            "/v1/fine-tunes",
            ["training_file": file, "suffix": "old", "n_epochs": 2]
        )
        #expect(created.status == 200, "\(created.text)")
        let id = try #require(created.json["id"]?.string)
        #expect(id.hasPrefix("ft-"))
        #expect(created.json["object"] == "fine-tune")
        let modern = "ftjob-" + id.dropFirst(3)
        _ = try await wait(world, modern, for: "succeeded")
        let job = try await world.get("/v1/fine_tunes/\(id)").json
        #expect(job["status"] == "succeeded")
        #expect(job["hyperparams"]?["n_epochs"] == 2)
        #expect(job["hyperparams"]?["prompt_loss_weight"]?.double == 0.01)
        #expect(job["training_files"]?.array?.first?["id"] == file)
        let messages = job["events"]?.array?.compactMap { $0["message"]?.string } ?? []
        #expect(messages.first?.hasPrefix("Created fine-tun") == true)
        let events = try await world.get("/v1/fine-tunes/\(id)/events").json
        #expect(events["data"]?.array?.first?["object"] == "fine-tune-event")
        let streamed = try await world.get("/v1/fine-tunes/\(id)/events?stream=true")
        #expect(streamed.isDone)
        #expect(streamed.events == events["data"]?.array)
        let list = try await world.get("/v1/fine_tunes").json
        #expect(list["data"]?.array?.count == 1)
        #expect(list["data"]?.array?.first?["events"] == nil)
        #expect(try await world.post("/v1/fine-tunes/\(id)/cancel", [:]).status == 409)
        let refused = try await world.post(
            "/v1/fine-tunes",
            ["training_file": file, "classification_n_classes": 3]
        )
        #expect(refused.json["error"]?["param"] == "classification_n_classes")
    }

    @Test("a job that fails says why")
    func failing() async throws {
        let error = FineTuningError(
            code: "invalid_training_file",
            message: "line 3: too long",
            param: "training_file"
        )
        let world = try await TestWorld(trainer: TrainingScript(steps: 1, failure: error))
        let body: JSONValue = ["model": "tiny", "training_file": try await file(world)]
        let id = try #require(try await world.post(Self.jobs, body).json["id"]?.string)
        let job = try await wait(world, id, for: "failed")
        #expect(OpenAISchemas.problems("FineTuningJob", job) == [])
        #expect(job["error"]?["code"] == "invalid_training_file")
        #expect(job["error"]?["message"] == "line 3: too long")
    }

    @Test("what jobs have stored counts against the key's limit, for files and for new jobs")
    func storedBytes() async throws {
        let world = try await TestWorld(trainer: TrainingScript(steps: 1, bytes: 250))
        let file = try await world.upload(TestWorld.example, as: "small")
        #expect(file.status == 200)
        let body: JSONValue = ["model": "tiny", "training_file": try #require(file.json["id"])]
        #expect(try await world.post(Self.jobs, body, as: "small").status == 200)
        var refused = try await world.upload(TestWorld.example, as: "small")
        for _ in 0..<1000 where refused.status == 200 {
            try await Task.sleep(for: .milliseconds(5))
            let id = try #require(refused.json["id"]?.string)
            _ = try await world.delete("/v1/files/\(id)", as: "small")
            refused = try await world.upload(TestWorld.example, as: "small")
        }
        #expect(refused.status == 429)
        #expect(refused.json["error"]?["code"] == "insufficient_quota")
        #expect(refused.json["error"]?["message"]?.string?.contains("checkpoints") == true)
        let another = try await world.post(Self.jobs, body, as: "small")
        #expect((another.status, another.json["error"]?["code"]) == (429, "insufficient_quota"))
    }
}
