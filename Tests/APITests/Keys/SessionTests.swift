import InferenceRuntime
import Storage
import Testing

@testable import API

@Suite("Signing in")
struct SessionTests {
    private static let path = "/v1/session"

    private func bearer(_ key: String?) -> HTTPHeaders {
        ["Authorization": "Bearer \(key ?? "")"]
    }

    /// Signs in; the headers that a page of the console then sends.
    private func signedIn(_ world: TestWorld, _ name: String) async throws -> HTTPHeaders {
        let reply = try await world.api.send(
            .post,
            Self.path,
            body: [],
            headers: bearer(world.keys[name])
        )
        #expect(reply.status == 200)
        let cookie = try #require(reply.headers["set-cookie"])
        for attribute in ["HttpOnly", "SameSite=Strict", "Path=/", "Max-Age=43200"] {
            #expect(cookie.contains("; \(attribute)"))
        }
        #expect(!cookie.contains(world.keys[name] ?? "?"))
        let pair = String(cookie.prefix { $0 != ";" })
        let token = try #require(reply.json["csrf_token"]?.string)
        return ["Cookie": "theme=dark; \(pair)", "X-CSRF-Token": token]
    }

    @Test("a session has the rights of its key, and needs its token beside the cookie")
    func rights() async throws {
        let world = try await TestWorld()
        let headers = try await signedIn(world, "acme")
        #expect(try await world.api.get("/v1/files", headers: headers).status == 200)
        #expect(try await world.api.get("/metrics", headers: headers).status == 403)
        for token in [nil, "", "wrong"] as [String?] {
            var other = headers
            other["X-CSRF-Token"] = token
            #expect(try await world.api.get("/v1/files", headers: other).status == 403)
        }
        let who = try await world.api.get(Self.path, headers: ["Cookie": headers["Cookie"] ?? ""])
        #expect(who.json["signed_in"] == true)
        #expect(who.json["tenant"] == "acme")
        #expect(who.json["csrf_token"]?.string == headers["X-CSRF-Token"])
    }

    @Test("strangers learn only that a key is asked for")
    func strangers() async throws {
        let world = try await TestWorld()
        for headers in [[:], ["Cookie": "facet_session=guess"]] as [HTTPHeaders] {
            let reply = try await world.api.get(Self.path, headers: headers)
            #expect(reply.status == 200)
            #expect(reply.json["keys_required"] == true)
            #expect(reply.json["signed_in"] == false)
            #expect(reply.json["tenant"] == .null)
            #expect(reply.json["rights"] == [])
            #expect(try await world.api.get("/v1/models", headers: headers).status == 401)
        }
        let wrong = try await world.api.send(
            .post,
            Self.path,
            body: [],
            headers: bearer("sk-facet-no")
        )
        #expect(wrong.status == 401)
        #expect(wrong.headers["set-cookie"] == nil)
    }

    @Test("a session ends when it is left, and with its key")
    func ends() async throws {
        let world = try await TestWorld()
        let left = try await signedIn(world, "acme")
        let out = try await world.api.send(.delete, Self.path, body: [], headers: left)
        #expect(out.headers["set-cookie"]?.contains("Max-Age=0") == true)
        #expect(try await world.api.get("/v1/models", headers: left).status == 401)

        let revoked = try await signedIn(world, "other")
        let file = KeyFile(path: world.folder + "/keys.json")
        let key = try #require(try file.load().first { $0.tenant.name == "other" })
        try file.revoke(id: key.id)
        // The ring looks at its file once a second.
        try await Task.sleep(for: .milliseconds(1100))
        #expect(try await world.api.get("/v1/models", headers: revoked).status == 401)
        let who = try await world.api.get(Self.path, headers: revoked)
        #expect(who.json["signed_in"] == false)
    }

    @Test("an old session is no session, and one key has a bounded number")
    func bounds() {
        let (store, now) = (SessionStore(), ContinuousClock.now)
        func headers(_ name: String) -> HTTPHeaders { ["Cookie": "facet_session=\(name)"] }
        let first = store.begin(keyID: "key_a", now: now)
        #expect(store.session(headers(first.name), now: now)?.keyID == "key_a")
        let late = now + SessionStore.lifetime + .seconds(1)
        #expect(store.session(headers(first.name), now: late) == nil)
        let other = store.begin(keyID: "key_b", now: now)
        for second in 1...SessionStore.mostPerKey {
            _ = store.begin(keyID: "key_a", now: now + .seconds(second))
        }
        #expect(store.session(headers(first.name), now: now) == nil)
        #expect(store.session(headers(other.name), now: now) != nil)
    }
}
