import Foundation
import InferenceRuntime
import Storage
import TestSupport
import Testing

@testable import API

@Suite("Files")
struct FilesTests {
    @Test("a file comes in, is listed, read back and deleted")
    func wholeWay() async throws {
        let world = try await TestWorld()
        let reply = try await world.upload(TestWorld.example)
        #expect(reply.status == 200)
        #expect(OpenAISchemas.problems("OpenAIFile", reply.json) == [])
        let id = try #require(reply.json["id"]?.string)
        #expect(reply.json["filename"] == "data.jsonl")
        #expect(reply.json["bytes"]?.int == TestWorld.example.utf8.count)
        #expect(reply.json["status"] == "processed")
        #expect(try await world.get("/v1/files/\(id)").json == reply.json)
        let content = try await world.get("/v1/files/\(id)/content")
        #expect(content.text == TestWorld.example)
        let deleted = try await world.delete("/v1/files/\(id)")
        #expect(deleted.json == ["id": .string(id), "object": "file", "deleted": true])
        #expect(try await world.get("/v1/files/\(id)").status == 404)
        #expect(try await world.get("/v1/files/\(id)/content").status == 404)
        #expect(try await world.delete("/v1/files/\(id)").status == 404)
    }

    @Test("lists go page by page, newest first or oldest first")
    func pages() async throws {
        let world = try await TestWorld()
        var ids: [String] = []
        for index in 0..<5 {
            let purpose = index == 4 ? "user_data" : "fine-tune"
            let reply = try await world.upload(TestWorld.example, purpose: purpose)
            ids.append(try #require(reply.json["id"]?.string))
        }
        func list(_ query: String) async throws -> (ids: [String], hasMore: Bool?) {
            let reply = try await world.get("/v1/files" + query)
            #expect(OpenAISchemas.problems("ListFilesResponse", reply.json) == [])
            let found = reply.json["data"]?.array?.compactMap { $0["id"]?.string } ?? []
            return (found, reply.json["has_more"]?.bool)
        }
        #expect(try await list("").ids == ids.reversed())
        let first = try await list("?limit=2&order=asc")
        #expect(first.ids == [ids[0], ids[1]])
        #expect(first.hasMore == true)
        let second = try await list("?limit=3&order=asc&after=\(ids[1])")
        #expect(second.ids == [ids[2], ids[3], ids[4]])
        #expect(second.hasMore == false)
        #expect(try await list("?purpose=user_data").ids == [ids[4]])
        #expect(try await world.get("/v1/files?limit=0").status == 400)
        #expect(try await world.get("/v1/files?order=up").status == 400)
        #expect(try await world.get("/v1/files?after=file-none").status == 404)
    }

    @Test("what is no training data is refused with its line, and leaves nothing")
    func invalid() async throws {
        let world = try await TestWorld()
        let reply = try await world.upload(TestWorld.example + "{\"messages\": 1}\n")
        #expect(reply.status == 400)
        #expect(reply.json["error"]?["code"] == "invalid_training_file")
        #expect(reply.json["error"]?["message"]?.string?.contains("line 2") == true)
        #expect(try await world.upload("").status == 400)
        #expect(try await world.upload("not json").status == 400)
        #expect(try await world.upload(TestWorld.example, purpose: nil).status == 400)
        #expect(try await world.upload(TestWorld.example, purpose: "fun").status == 400)
        #expect(try await world.get("/v1/files").json["data"] == [])
        #expect(try FileNames.all(in: world.files.folder) == [])
    }

    @Test("one tenant's files are nothing to another, but to an administrator")
    func tenants() async throws {
        let world = try await TestWorld()
        let reply = try await world.upload(TestWorld.example)
        let id = try #require(reply.json["id"]?.string)
        for path in ["/v1/files/\(id)", "/v1/files/\(id)/content"] {
            let refused = try await world.get(path, as: "other")
            #expect(refused.status == 404)
            #expect(refused.json["error"]?["code"] == "file_not_found")
        }
        #expect(try await world.delete("/v1/files/\(id)", as: "other").status == 404)
        #expect(try await world.get("/v1/files", as: "other").json["data"] == [])
        #expect(try await world.get("/v1/files/\(id)", as: "ops").status == 200)
        #expect(try await world.get("/v1/files", as: "ops").json["data"]?.array?.count == 1)
    }

    @Test("a tenant stores no more bytes than its key allows")
    func quota() async throws {
        let world = try await TestWorld()
        let size = TestWorld.example.utf8.count
        let fits = 300 / size
        for _ in 0..<fits {
            #expect(try await world.upload(TestWorld.example, as: "small").status == 200)
        }
        let refused = try await world.upload(TestWorld.example, as: "small")
        #expect(refused.status == 429)
        #expect(refused.json["error"]?["code"] == "insufficient_quota")
        #expect(refused.headers["x-should-retry"] == "false")
        #expect(try FileNames.all(in: world.files.folder).count == fits)
    }

    @Test("uploads side by side stay within one allowance, and what is given up comes back")
    func sideBySide() async throws {
        let world = try await TestWorld()
        let tenant = TenantID("small")
        func begin() async throws -> FileUpload {
            try await world.files.beginUpload(
                limit: .max,
                share: world.files.uploads.begin(tenant, stored: 0, allowance: 300)
            )
        }
        let first = try await begin()
        let second = try await begin()
        try await first.write([UInt8](repeating: 1, count: 200)[...])
        let error = await #expect(throws: APIError.self) {
            try await second.write([UInt8](repeating: 1, count: 101)[...])
        }
        #expect(error?.code == "insufficient_quota")
        await second.abandon()
        let third = try await begin()
        try await third.write([UInt8](repeating: 1, count: 100)[...])
        await third.abandon()
        _ = try await world.files.commit(
            first,
            as: .init(id: "file-x", filename: "x", purpose: "evals", tenant: tenant)
        )
        #expect(
            try await world.upload(TestWorld.example + TestWorld.example, as: "small").status == 429
        )
        #expect(try FileNames.all(in: world.files.folder) == ["file-x"])
    }

    @Test("a download holds its parallel place until it is over")
    func downloads() async throws {
        let world = try await TestWorld()
        let reply = try await world.upload(TestWorld.example, as: "single")
        let id = try #require(reply.json["id"]?.string)
        func download() async throws -> HTTPResponse {
            try await world.api.handler.handle(
                HTTPRequest(
                    method: .get,
                    target: "/v1/files/\(id)/content",
                    headers: world.headers("single")
                )
            )
        }
        do {
            let running = try await download()
            let error = await #expect(throws: APIError.self) { try await download() }
            #expect(error?.status == .tooManyRequests)
            withExtendedLifetime(running) {}
        }
        _ = try await download()
    }

    @Test("adapters count against what a tenant may store, as files do")
    func adaptersCount() async throws {
        let world = try await TestWorld()
        let path = try world.writeAdapter(1)
        let body: JSONValue = ["lora_name": "mine", "lora_path": .string(path)]
        let size =
            try FileManager.default.attributesOfItem(
                atPath: path + "/adapter_model.safetensors"
            )[.size] as? Int
        #expect(size ?? 0 > 200 && size ?? 0 < 300)
        #expect(try await world.post("/v1/load_lora_adapter", body, as: "small").status == 200)
        let upload = try await world.upload(TestWorld.example, as: "small")
        #expect(upload.status == 429)
        let other: JSONValue = [
            "lora_name": "another", "lora_path": .string(try world.writeAdapter(2)),
        ]
        let refused = try await world.post("/v1/load_lora_adapter", other, as: "small")
        #expect(refused.status == 429)
        #expect(refused.json["error"]?["code"] == "insufficient_quota")
        #expect(try await world.post("/v1/load_lora_adapter", other, as: "acme").status == 200)
    }

    @Test("file names lose their folders, expiry is kept")
    func names() async throws {
        let world = try await TestWorld()
        let expiry =
            "--b\r\nContent-Disposition: form-data; name=\"expires_after[seconds]\"\r\n\r\n"
        let reply = try await world.upload(
            TestWorld.example,
            filename: "../../etc/data.jsonl",
            more: expiry + "3600\r\n"
        )
        #expect(reply.json["filename"] == "data.jsonl")
        let created = try #require(reply.json["created_at"]?.int)
        #expect(reply.json["expires_at"]?.int ?? 0 >= created + 3600)
        let refused = try await world.upload(TestWorld.example, more: expiry + "1\r\n")
        #expect(refused.status == 400)
    }
}
