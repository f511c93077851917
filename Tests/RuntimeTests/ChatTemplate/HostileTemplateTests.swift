import Dispatch
import Foundation
import Testing

@testable import InferenceRuntime

/// What a template or a client can try costs an error, never the process.
@Suite("Hostile chat templates")
struct HostileTemplateTests {
    private func error(_ source: String, _ variables: JSONObject = [:]) -> TemplateError? {
        // Small bounds: the tests run unoptimised.
        var limits = TemplateLimits()
        limits.steps = 200_000
        limits.textBytes = 1 << 20
        limits.allocatedBytes = 16 << 20
        do throws(TemplateError) {
            _ = try ChatTemplate(source: source, limits: limits).render(variables)
            return nil
        } catch {
            return error
        }
    }

    @Test(
        "nesting without end is refused while parsing",
        arguments: [
            "{{ " + String(repeating: "(", count: 5_000) + "1"
                + String(repeating: ")", count: 5_000) + " }}",
            "{{ " + String(repeating: "[", count: 5_000),
            "{{ " + String(repeating: "{'a':", count: 5_000),
            "{{ " + String(repeating: "-", count: 5_000) + "1 }}",
            "{{ 1" + String(repeating: "+1", count: 5_000) + " }}",
            "{{ a" + String(repeating: "[0]", count: 5_000) + " }}",
            "{{ a" + String(repeating: "|trim", count: 5_000) + " }}",
            "{{ 1" + String(repeating: " if 1", count: 5_000) + " }}",
            "{{ 1" + String(repeating: " if 1 else 1", count: 5_000) + " }}",
            String(repeating: "{% if 1 %}", count: 5_000),
            String(repeating: "{% for a in b %}", count: 5_000),
            "{% set " + String(repeating: "(", count: 5_000),
        ]
    )
    func refusesNesting(source: String) {
        #expect([.limit, .syntax].contains(error(source)?.kind))
    }

    @Test("a chain of not, and, or costs no depth")
    func allowsLongChains() throws {
        let source =
            "{{ " + String(repeating: "not ", count: 10_001) + "x"
            + String(repeating: " and true or false", count: 5_000) + " ~ ''"
            + String(repeating: " ~ ''", count: 5_000) + " }}"
        #expect(try ChatTemplate(source: source).render([:]) == "True")
    }

    @Test(
        "work and memory without end are refused while rendering",
        arguments: [
            "{% for a in range(1000000000) %}{% endfor %}",
            "{{ range(9223372036854775807) }}{{ range(-9223372036854775807, 9223372036854775807) }}",
            "{% for a in range(99999) %}{% for b in range(99999) %}{% endfor %}{% endfor %}",
            "{{ 'a' * 1000000000000 }}",
            "{{ [1] * 1000000000000 }}",
            "{% set ns = namespace(s='aaaaaaaa') %}"
                + "{% for i in range(1000) %}{% set ns.s = ns.s ~ ns.s %}{% endfor %}",
            "{% set ns = namespace(l=[1]) %}"
                + "{% for i in range(1000) %}{% set ns.l = ns.l + ns.l %}{% endfor %}",
            "{% set ns = namespace(l=[1]) %}"
                + "{% for i in range(150) %}{% set ns.l = [ns.l, ns.l] %}{% endfor %}{{ ns.l }}",
            "{% set ns = namespace(l=[1]) %}"
                + "{% for i in range(150) %}{% set ns.l = [ns.l, ns.l] %}{% endfor %}"
                + "{{ ns.l|tojson }}",
            "{% set ns = namespace(l=(1,)) %}"
                + "{% for i in range(150) %}{% set ns.l = (ns.l, ns.l) %}{% endfor %}{{ {ns.l: 1} }}",
            "{% set ns = namespace(l=[]) %}"
                + "{% for i in range(90000) %}{% set ns.l = [ns.l] %}{% endfor %}",
            "{% set ns = namespace(l='') %}"
                + "{% for i in range(90000) %}{% set ns.l = {'a': ns.l}.get %}{% endfor %}",
            "{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}",
            "{% macro m() %}{{ caller() }}{% endmacro %}"
                + "{% macro n() %}{% call m() %}{{ n() }}{% endcall %}{% endmacro %}{{ n() }}",
            "{% for a in [1] recursive %}{{ loop([1]) }}{% endfor %}",
            "{% for i in range(99999) %}{{ 'x' * 99999 }}{% endfor %}",
            "{{ 'aaaaaaaaaaaaaaaaaaaaaaaaaaaa'|replace('', 'b' * 9000000) }}",
            "{{ ('\t' * 1000000).expandtabs(1000000) }}",
            "{{ 'a'.center(10000000000) }}{{ '%999999999d' % 1 }}",
            "{{ '{:999999999}'.format(1) }}",
            "{{ [1]|batch(10000000000, 1)|list }}",
            "{{ 'a'|indent(10000000000) }}",
            "{{ [[1,2]]|tojson(indent=10000000000) }}",
        ]
    )
    func refusesWork(source: String) {
        #expect(error(source) != nil)
    }

    @Test(
        "what many references to one text would grow to is refused before it is made",
        arguments: [
            "{{ ([s] * 9000)|tojson }}", "{{ ([s] * 9000)|tojson(ensure_ascii=true) }}",
            "{{ [[1] * 90]|tojson(indent=s, separators=(s, s)) }}",
            "{{ [s] * 9000 }}", "{{ ([s] * 9000)|string|length }}",
            "{{ {'a': [s] * 9000}.items() }}",
            "{{ ('%s' * 999) % (([s] * 999)|list|join('x'), ) }}",
            "{{ ('%s' * 3000)|format(*[s] * 3000) }}", "{{ ('{0}' * 3000).format(s) }}",
            "{{ '{:99999}'.format(1) * 999 }}", "{{ ('%99999d' * 999) % ((1,) * 999) }}",
            "{{ ([s] * 9000)|join }}", "{{ ([1] * 9000)|join(s) }}",
            "{{ s.join(['a'] * 9000) }}", "{{ (s * 90).split('x') }}", "{{ (s * 90).split() }}",
            "{{ ('\n' * 900000).splitlines() }}", "{{ (s * 90)|list }}",
            "{{ (s * 90)|wordwrap(1) }}",
            "{{ (s * 9)|wordwrap(1, true, s) }}", "{{ ('&' * 900000)|escape }}",
            "{{ ('a\n' * 900)|indent(s, true) }}", "{{ (s * 90)|urlencode }}",
            "{{ s.replace('x', s) }}", "{{ s.replace('', s) }}",
            "{{ s ~ s ~ s ~ s ~ s ~ s ~ s * 90 }}",
            "{% for i in range(9999) %}{% if [s] * 999 == [t] * 999 %}{% endif %}{% endfor %}",
            "{% for i in range(9999) %}{% if s < t %}{% endif %}{% endfor %}",
            "{% for i in range(9999) %}{{ s in [t, t, t, t] }}{% endfor %}",
            "{{ {} | tojson(indent='x' * 9000000) }}",
            "{% for i in range(9999) %}{{ s.upper().title()|capitalize }}{% endfor %}",
            "{{ ((s * 90)|batch(2)|list)|tojson }}", "{{ {s: 1}.get(s)|tojson * 99999999 }}",
            "{% macro m(a) %}{{ m([a, s]|string) }}{% endmacro %}{{ m(s) }}",
            "{% set ns = namespace(x=[]) %}{% for i in range(99999) %}"
                + "{% set ns.x = ns.x + [{}] %}{% endfor %}",
            "{% for i in range(99999) %}{% macro m() %}{% endmacro %}{% endfor %}",
        ]
    )
    func refusesSharedText(source: String) {
        let text = String(repeating: "x ", count: 10_000)
        let found = error(source, ["s": .string(text + "a"), "t": .string(text + "b")])
        #expect(found?.kind == .limit, "\(found?.description ?? "rendered")")
    }

    @Test("a text that grows by pieces counts once, however often it is copied on the way")
    func countsLivingText() throws {
        // 400 pieces of 1 kB, copied 400 times, are 80 MB in all.
        let source =
            "{% set ns = namespace(s='') %}{% for i in range(400) %}{% set ns.s = ns.s + piece %}"
            + "{% endfor %}{{ ns.s|length }}"
        let piece = String(repeating: "x", count: 1_000)
        #expect(try ChatTemplate(source: source).render(["piece": .string(piece)]) == "400000")
    }

    @Test("a rendering has a time as well as a number of steps")
    func boundsTime() throws {
        var limits = TemplateLimits()
        limits.steps = .max
        limits.seconds = 0.1
        let source =
            "{% for a in range(99999) %}{% for b in range(99999) %}{% if a == b %}{% endif %}"
            + "{% endfor %}{% endfor %}"
        let template = try ChatTemplate(source: source, limits: limits)
        let error = #expect(throws: TemplateError.self) { try template.render([:]) }
        #expect(error?.kind == .limit)
        #expect(error?.message == "the template needs more than 0.1 seconds")
    }

    @Test("calls on calls on calls nest the tree, and that is bounded over all levels")
    func boundsTree() {
        var source = "a"
        for _ in 0..<150 { source = "(" + source + String(repeating: ".b", count: 190) + ")" }
        #expect(error("{{ " + source + " }}")?.kind == .limit)
        let call = String(repeating: "[", count: 90) + "m()" + String(repeating: "]", count: 90)
        #expect(error("{% macro m() %}{{ \(call) }}{% endmacro %}{{ m() }}")?.kind == .limit)
    }

    @Test(
        "numbers out of range are errors, not traps",
        arguments: [
            "{{ 9223372036854775807 + 1 }}", "{{ -9223372036854775807 - 2 }}",
            "{{ 9223372036854775807 * 2 }}", "{{ 2 ** 64 }}", "{{ 1 // 0 }}", "{{ 1 % 0 }}",
            "{{ 1 / 0 }}", "{{ 1.0 // 0 }}", "{{ (-9223372036854775807 - 1) // -1 }}",
            "{{ -(-9223372036854775807 - 1) }}", "{{ (-9223372036854775807 - 1)|abs }}",
            "{{ (-1) ** 0.5 }}", "{{ 99999999999999999999 + 1 }}", "{{ 'a'[::0] }}",
            "{{ range(1, 2, 0) }}", "{{ range(1.5) }}", "{{ [].x.y }}", "{{ none[0][0] }}",
        ]
    )
    func refusesNumbers(source: String) {
        #expect(error(source)?.kind == .runtime)
    }

    @Test(
        "extreme indices and bounds are clamped as Python does",
        arguments: [
            ("{{ [1,2,3][-9223372036854775807 - 1:9223372036854775807] }}", "[1, 2, 3]"),
            (
                "{{ 'abc'[9223372036854775807:-9223372036854775807 - 1:-9223372036854775807 - 1] }}",
                "c"
            ),
            ("{{ ''[::-1] }}", ""), ("{{ ''[5:1:-1] }}", ""), ("{{ 'abc'[-9::-1] }}", ""),
            ("{{ 'äbc'[-9::-1] }}", ""), ("{{ 'äbc'[9:1:-1] }}", "c"), ("{{ [][::-1] }}", "[]"),
            ("{{ [1,2,3][9223372036854775807] is defined }}", "False"),
            ("{{ [1,2,3][-9223372036854775807 - 1] is defined }}", "False"),
            ("{{ 'abc'.find('c', -9223372036854775807 - 1) }}", "2"),
            ("{{ 'a,b'.split(',', 9223372036854775807) }}", "['a', 'b']"),
            ("{{ range(9223372036854775800, 9223372036854775807)|list|length }}", "7"),
            // What CPython prints and counts for ranges as wide as integers.
            (
                "{{ range(0, 9223372036854775807, 9223372036854775806) }}",
                "range(0, 9223372036854775807, 9223372036854775806)"
            ),
            ("{{ range(0, 10, 3) }}", "range(0, 10, 3)"), ("{{ range(5, 5) }}", "range(5, 5)"),
            (
                "{{ range(-9223372036854775807 - 1, 9223372036854775807, 9223372036854775807)|list }}",
                "[-9223372036854775808, -1, 9223372036854775806]"
            ),
            (
                "{{ range(9223372036854775807, -9223372036854775807 - 1, -9223372036854775807)|list }}",
                "[9223372036854775807, 0, -9223372036854775807]"
            ),
            (
                "{{ range(9223372036854775807, -9223372036854775807, -9223372036854775807 - 1) }}",
                "range(9223372036854775807, -9223372036854775807, -9223372036854775808)"
            ),
            ("{{ range(9223372036854775806, 9223372036854775807, 2)[0] }}", "9223372036854775806"),
            ("{{ 1e308 * 10 }}", "inf"), ("{{ (1e308 * 10)|int }}", "0"),
        ]
    )
    func clampsBounds(source: String, expected: String) throws {
        #expect(try ChatTemplate(source: source).render([:]) == expected)
    }

    @Test("a deep template renders on a thread with a small stack")
    func worksOnSmallStack() {
        final class Outcome: @unchecked Sendable {
            // Written by the thread, read after it has signalled.
            var error: TemplateError?
            let done = DispatchSemaphore(value: 0)
        }
        let outcome = Outcome()
        let thread = Thread {
            let nested =
                String(repeating: "(", count: 90) + "m(n + 1)" + String(repeating: ")", count: 90)
            let source = "{% macro m(n) %}{% if 1 %}{{ [\(nested)] }}{% endif %}{% endmacro %}"
            do throws(TemplateError) {
                _ = try ChatTemplate(source: source + "{{ m(0) }}").render([:])
            } catch {
                outcome.error = error
            }
            outcome.done.signal()
        }
        thread.stackSize = 128 * 1024
        thread.start()
        outcome.done.wait()
        #expect(outcome.error?.kind == .limit)
    }

    @Test("a macro that refers to itself and a namespace in a circle leave nothing behind")
    func breaksCircles() throws {
        let source =
            "{% set ns = namespace() %}{% set ns.me = ns %}"
            + "{% macro m() %}{% endmacro %}{% set ns.m = m %}ok"
        #expect(try ChatTemplate(source: source).render([:]) == "ok")
    }

    @Test("messages of a deep schema cost an error where a template walks them for ever")
    func survivesDeepMessages() throws {
        var schema: JSONValue = "leaf"
        for _ in 0..<99 { schema = ["a": schema] }
        let source =
            "{% macro walk(v) %}{% if v is mapping %}{% for k, x in v|items %}{{ walk(x) }}"
            + "{% endfor %}{% else %}{{ v }}{% endif %}{% endmacro %}{{ walk(schema) }}"
        #expect(try ChatTemplate(source: source).render(["schema": schema]) == "leaf")
    }

    @Test("the sandbox refuses what changes its objects or leaves them")
    func refusesMutation() {
        #expect(error("{{ [].append(1) }}")?.message.contains("unsafe") == true)
        #expect(error("{{ {}.update({}) }}")?.message.contains("unsafe") == true)
        #expect(error("{{ ''.__class__.__mro__ }}")?.message.contains("unsafe") == true)
        #expect(error("{% set x = {} %}{% set x.a = 1 %}")?.kind == .runtime)
        #expect(error("{% include 'x' %}")?.kind == .syntax)
        #expect(error("{% import 'x' as y %}")?.kind == .syntax)
        #expect(error("{% extends 'x' %}")?.kind == .syntax)
        #expect(error("{{ x|nope }}")?.message == "No filter named 'nope' found.")
    }

    @Test("errors name the template line")
    func namesLine() {
        #expect(error("a\n\n{{ none.x.y }}")?.line == 3)
        #expect(error("a\n{% if 1 %}\n{{ raise_exception('no') }}{% endif %}")?.line == 3)
        #expect(error("a\n\n\n{% endif %}")?.line == 4)
        let raised = error("{{ raise_exception('a \"b\"\\n') }}")
        #expect(raised == TemplateError(kind: .raised, message: "a \"b\"\n", line: 1))
    }
}
