package sandbox_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"mime/multipart"
	"net/http"
	"strings"
	"testing"

	"golang.org/x/text/encoding/unicode"

	"github.com/staffetta-io/staffetta/internal/sandbox"
)

// ids are the ids on a page, and the total.
func ids(page map[string]any) string {
	var all []any
	for _, item := range page["content"].([]any) {
		all = append(all, item.(map[string]any)["id"])
	}
	return fmt.Sprintf("%v of %v", all, page["totalElements"])
}

func TestContacts(t *testing.T) {
	t.Parallel()

	t.Run("AreStoredAsWrittenAndMarkedValidOrNot", func(t *testing.T) {
		t.Parallel()
		g := setup(t, sandbox.Options{})
		g.wants(201, `{"id":1,"phoneNumber":"+39 333 1111111","email":"a@example.it","firstName":"Anna","lastName":"D'Amico","gender":"F",
			"customFields":{"città":"Forlì","code":"\"x\""},"isValid":true,"createdAt":"2026-04-09T09:00:00Z"}`, "POST", base+"/contacts",
			`{"phoneNumber":"+39 333 1111111","email":"a@example.it","firstName":"Anna","lastName":"D'Amico","gender":"F","customFields":{"code":"\"x\"","città":"Forlì"}}`)
		g.wants(201, `{"id":2,"phoneNumber":"333","isValid":false,"createdAt":"2026-04-09T09:00:00Z"}`, "POST", base+"/contacts", `{"phoneNumber":"333"}`)
		g.wants(400, refusal("phoneNumber", "Either phoneNumber or email is required"), "POST", base+"/contacts", `{"firstName":"Anna"}`)
		g.wants(200, `{"id":2,"phoneNumber":"333","isValid":false,"createdAt":"2026-04-09T09:00:00Z"}`, "GET", base+"/contacts/2", "")
		g.wants(404, refusal("id", "Contact 3 not found"), "GET", base+"/contacts/3", "")
		g.wants(404, refusal("id", "Contact 0 not found"), "GET", base+"/contacts/0", "")
	})

	t.Run("ComeByTheMany", func(t *testing.T) {
		t.Parallel()
		g := setup(t, sandbox.Options{})
		g.wants(201, `{"content":[{"id":1},{"id":2}],"totalElements":2}`, "POST", base+"/contacts", ` [{"phoneNumber":"+393331111111"},{"email":"b@example.it"}]`)
		g.wants(400, refusal("[1].phoneNumber", "Either phoneNumber or email is required"), "POST", base+"/contacts", `[{"phoneNumber":"+393331111111"},{}]`)
		equal(t, "found", ids(g.get(200, "GET", base+"/contacts", "")), "[1 2] of 2")
	})

	t.Run("AreFound", func(t *testing.T) {
		t.Parallel()
		g := setup(t, sandbox.Options{})
		g.get(201, "POST", base+"/contacts", `[{"phoneNumber":"+39 333 1111111","firstName":"Anna","lastName":"Rossi"},
			{"phoneNumber":"+393332222222","email":"b@example.it"},{"phoneNumber":"333"}]`)
		g.get(201, "POST", base+"/contacts/list", `{"name":"one"}`)
		g.get(201, "POST", base+"/contacts/list", `{"name":"two"}`)
		g.get(201, "POST", base+"/contacts/list/contacts", `{"listIds":[87,88],"contactIds":[1]}`)
		g.get(201, "POST", base+"/contacts/list/contacts", `{"listIds":[88],"contactIds":[3]}`)
		for query, want := range map[string]string{
			"?phoneNumber=%2B393331111111":     "[1] of 1",
			"?phoneNumber=333":                 "[3] of 1",
			"?email=b@example.it":              "[2] of 1",
			"?search=ANNA+ro":                  "[1] of 1",
			"?search=3332":                     "[2] of 1",
			"?listIds=87,88":                   "[1 3] of 2",
			"?listIds=88&search=anna":          "[1] of 1",
			"?limit=1&page=1":                  "[2] of 3",
			"/list/88/contacts":                "[1 3] of 2",
			"/list/88/contacts?search=333&x=1": "[1 3] of 2",
		} {
			path := base + "/contacts" + query
			equal(t, path, ids(g.get(200, "GET", strings.ReplaceAll(path, "contacts/?", "contacts?"), "")), want)
		}
		g.wants(400, refusal("listIds", `"x" is not an id`), "GET", base+"/contacts?listIds=87,x", "")
		g.wants(404, refusal("listId", "Contact list 99 not found"), "GET", base+"/contacts/list/99/contacts", "")
	})

	t.Run("ChangeOnlyInWhatIsNamed", func(t *testing.T) {
		t.Parallel()
		g := setup(t, sandbox.Options{})
		g.get(201, "POST", base+"/contacts", `{"phoneNumber":"333","firstName":"Anna","customFields":{"code":"1","plan":"x"}}`)
		g.wants(200, `{"id":1,"phoneNumber":"+393331111111","firstName":"Anna","customFields":{"code":"2","plan":"x"},"isValid":true,"createdAt":"2026-04-09T09:00:00Z"}`,
			"PUT", base+"/contacts/1", `{"phoneNumber":"+393331111111","customFields":{"code":"2"}}`)
		g.wants(404, refusal("id", "Contact 7 not found"), "PUT", base+"/contacts/7", `{}`)
	})

	t.Run("AreDeletedByNameOrAllButTheNamed", func(t *testing.T) {
		t.Parallel()
		g := setup(t, sandbox.Options{})
		list := g.list(6)
		g.wants(200, `{"deleted":2}`, "DELETE", base+"/contacts?ids=1,3,99", "")
		equal(t, "left", ids(g.get(200, "GET", base+"/contacts", "")), "[2 4 5 6] of 4")
		g.wants(200, `{"deleted":3}`, "DELETE", base+"/contacts?notIds=4", "")
		equal(t, "left", ids(g.get(200, "GET", base+"/contacts", "")), "[4] of 1")
		equal(t, "members left", ids(g.get(200, "GET", fmt.Sprintf("%s/contacts/list/%d/contacts", base, list), "")), "[4] of 1")
		g.wants(400, refusal("ids", "Either ids or notIds is required"), "DELETE", base+"/contacts", "")
		g.wants(400, refusal("ids", "Either ids or notIds is required"), "DELETE", base+"/contacts?ids=4&notIds=4", "")
		equal(t, "left", ids(g.get(200, "GET", base+"/contacts", "")), "[4] of 1")
	})
}

func TestLists(t *testing.T) {
	t.Parallel()

	t.Run("TheFirstIs87", func(t *testing.T) {
		t.Parallel()
		g := setup(t, sandbox.Options{})
		g.wants(201, `{"id":87,"name":"Clienti","description":"tutti","contactCount":0,"createdAt":"2026-04-09T09:00:00Z"}`,
			"POST", base+"/contacts/list", `{"name":"Clienti","description":"tutti"}`)
		g.wants(400, refusal("name", "List name is required"), "POST", base+"/contacts/list", `{}`)
	})

	t.Run("AreFoundAndDeletedWithoutTheirContacts", func(t *testing.T) {
		t.Parallel()
		g := setup(t, sandbox.Options{})
		for _, name := range []string{"Clienti", "Fornitori", "clienti persi"} {
			g.get(201, "POST", base+"/contacts/list", fmt.Sprintf(`{"name":%q}`, name))
		}
		g.get(201, "POST", base+"/contacts", `{"phoneNumber":"+393331111111"}`)
		g.wants(201, `{"added":2}`, "POST", base+"/contacts/list/contacts", `{"listIds":[87,88],"contactIds":[1,1,99]}`)
		equal(t, "search", ids(g.get(200, "GET", base+"/contacts/list?search=CLIENTI", "")), "[87 89] of 2")
		equal(t, "id", ids(g.get(200, "GET", base+"/contacts/list?id=88", "")), "[88] of 1")
		g.wants(200, `{"deleted":1}`, "DELETE", base+"/contacts/list?ids=87,99", "")
		equal(t, "left", ids(g.get(200, "GET", base+"/contacts/list", "")), "[88 89] of 2")
		equal(t, "contacts left", ids(g.get(200, "GET", base+"/contacts", "")), "[1] of 1")
		g.wants(400, refusal("ids", "ids is required"), "DELETE", base+"/contacts/list", "")
	})

	t.Run("HaveMembersThatComeAndGo", func(t *testing.T) {
		t.Parallel()
		g := setup(t, sandbox.Options{})
		g.get(201, "POST", base+"/contacts/list", `{"name":"Clienti"}`)
		g.get(201, "POST", base+"/contacts", `[{"phoneNumber":"1"},{"phoneNumber":"2"},{"phoneNumber":"3"},{"phoneNumber":"4"}]`)
		members := func() string { return ids(g.get(200, "GET", base+"/contacts/list/87/contacts", "")) }
		g.wants(201, `{"added":3}`, "POST", base+"/contacts/list/contacts", `{"listIds":[87],"allContacts":true,"excludeIdsAllContacts":[2]}`)
		equal(t, "members", members(), "[1 3 4] of 3")
		g.wants(201, `{"added":1}`, "POST", base+"/contacts/list/contacts", `{"listIds":[87],"contactIds":[1,2]}`)
		equal(t, "members", members(), "[1 3 4 2] of 4")
		g.wants(200, `{"removed":2}`, "DELETE", base+"/contacts/list/contacts", `{"listIds":[87],"contactIds":[3,2]}`)
		equal(t, "members", members(), "[1 4] of 2")
		g.wants(200, `{"removed":1}`, "DELETE", base+"/contacts/list/contacts", `{"listIds":[87],"allContacts":true,"excludeIdsAllContacts":[4]}`)
		equal(t, "members", members(), "[4] of 1")
		g.wants(400, refusal("listIds", "Contact list 99 does not exist"), "POST", base+"/contacts/list/contacts", `{"listIds":[99],"contactIds":[1]}`)
		g.wants(400, refusal("listIds", "listIds is required"), "DELETE", base+"/contacts/list/contacts", `{}`)
		g.wants(400, refusal("contactIds", "Either contactIds or allContacts is required"), "POST", base+"/contacts/list/contacts", `{"listIds":[87]}`)
	})
}

// upload sends a file with the other values of its form.
func (g *client) upload(fileName, content string, values map[string]string) (int, string) {
	g.t.Helper()
	var body bytes.Buffer
	form := multipart.NewWriter(&body)
	part, err := form.CreateFormFile("file", fileName)
	if err != nil {
		g.t.Fatal(err)
	}
	io.WriteString(part, content)
	for name, value := range values {
		form.WriteField(name, value)
	}
	form.Close()
	req, err := http.NewRequestWithContext(g.t.Context(), "POST", g.url+base+"/contacts/upload", &body)
	if err != nil {
		g.t.Fatal(err)
	}
	req.Header.Set("Content-Type", form.FormDataContentType())
	req.Header.Set("X-Api-Key", g.key)
	res, err := g.http.Do(req)
	if err != nil {
		g.t.Fatal(err)
	}
	defer res.Body.Close()
	answer, err := io.ReadAll(res.Body)
	if err != nil {
		g.t.Fatal(err)
	}
	return res.StatusCode, string(answer)
}

func TestUpload(t *testing.T) {
	t.Parallel()
	const rows = "Anna;+39 333 1111111;;A-1\n\"Bruno; detto \"\"B\"\"\";00393332222222;b@example.it;B-2\n;;;C-3\nCarla;333;;\nAnna Maria;+393331111111;;A-4\n"

	t.Run("MapsColumnsByTheirHeaderAndUpdatesByNumber", func(t *testing.T) {
		t.Parallel()
		g := setup(t, sandbox.Options{})
		list := g.NewList("Clienti")
		status, body := g.upload("clienti.csv", "\xef\xbb\xbffirstName;PhoneNumber;email;code\n"+rows,
			map[string]string{"removeHead": "true", "listId": fmt.Sprint(list), "fileName": "clienti.csv", "limit": "10"})
		equal(t, "status", status, 200)
		equal(t, "body", body, compact(t, `{"listId":87,"fileName":"clienti.csv","status":"COMPLETED",
			"summary":{"total":5,"imported":4,"duplicates":1,"errors":1},
			"errors":[{"line":4,"reason":"Neither phoneNumber nor email"}],"completedAt":"2026-04-09T09:00:00Z"}`))
		g.wants(200, `{"content":[
			{"id":1,"phoneNumber":"+393331111111","firstName":"Anna Maria","customFields":{"code":"A-4"},"isValid":true,"createdAt":"2026-04-09T09:00:00Z"},
			{"id":2,"phoneNumber":"00393332222222","email":"b@example.it","firstName":"Bruno; detto \"B\"","customFields":{"code":"B-2"},"isValid":true,"createdAt":"2026-04-09T09:00:00Z"},
			{"id":3,"phoneNumber":"333","firstName":"Carla","isValid":false,"createdAt":"2026-04-09T09:00:00Z"}],"totalElements":3}`,
			"GET", base+"/contacts/list/87/contacts", "")
		id := g.created("campaign")
		g.configure(id, list, "Ciao {{firstName}}, {{code}}")
		equal(t, "goal", g.goal(id), "3 total, 2 valid, 1 invalid, 2 parts")
	})

	t.Run("WithoutAHeaderGoesByTheOrder", func(t *testing.T) {
		t.Parallel()
		g := setup(t, sandbox.Options{})
		status, body := g.upload("x.txt", "+393331111111\tAnna\tRossi\ta@example.it\n+393332222222\tBruno\n", nil)
		equal(t, "status", status, 200)
		if _, has := parse(t, body)["listId"]; has {
			t.Error("a list was made up")
		}
		g.wants(200, `{"content":[
			{"id":1,"phoneNumber":"+393331111111","email":"a@example.it","firstName":"Anna","lastName":"Rossi","isValid":true,"createdAt":"2026-04-09T09:00:00Z"},
			{"id":2,"phoneNumber":"+393332222222","firstName":"Bruno","isValid":true,"createdAt":"2026-04-09T09:00:00Z"}],"totalElements":2}`,
			"GET", base+"/contacts", "")
	})

	t.Run("KeepsAHeaderThatNobodyAskedToRemove", func(t *testing.T) {
		t.Parallel()
		g := setup(t, sandbox.Options{})
		_, body := g.upload("x.csv", "phoneNumber,firstName\n+393331111111,Anna\n", nil)
		equal(t, "summary", fmt.Sprint(parse(t, body)["summary"].(map[string]any)["imported"]), "2")
		equal(t, "first", g.get(200, "GET", base+"/contacts/1", "")["isValid"], any(false))
	})

	// What spreadsheets write, each with the same two people.
	t.Run("ReadsWhatSpreadsheetsWrite", func(t *testing.T) {
		t.Parallel()
		const people = "phoneNumber;firstName\n+393331111111;Nicolò\n+393332222222;Andrè\n"
		utf16 := func(endian unicode.Endianness, text string) string {
			out, err := unicode.UTF16(endian, unicode.UseBOM).NewEncoder().String(text)
			if err != nil {
				t.Fatal(err)
			}
			return out
		}
		for name, content := range map[string]string{
			"AsItIs":              people,
			"ByteOrderMark":       "\ufeff" + people,
			"DelimiterLine":       "sep=;\n" + people,
			"DelimiterLineQuoted": "\ufeff\"sep=;\"\r\n" + strings.ReplaceAll(people, "\n", "\r\n"),
			"DelimiterLineOfTabs": "SEP=\t\n" + strings.ReplaceAll(people, ";", "\t"),
			"DelimiterLineOfBars": "sep=|\n" + strings.ReplaceAll(people, ";", "|"),
			"EmptyLinesFirst":     "\n\r\n  \n" + people,
			"EmptyLinesThenSep":   "\n\nsep=;\n\n" + people,
			"SpacedHeader":        strings.Replace(people, "phoneNumber;firstName", `"Phone Number";"First Name"`, 1),
			"UnderscoredHeader":   strings.Replace(people, "phoneNumber;firstName", `phone_number;FIRST_NAME`, 1),
			"UTF16LittleEndian":   utf16(unicode.LittleEndian, people),
			"UTF16BigEndian":      utf16(unicode.BigEndian, people),
			"FormulasOfText":      strings.ReplaceAll(people, "+393332222222", `="+393332222222"`),
			"Apostrophes":         strings.ReplaceAll(people, "+393332222222", "'+393332222222"),
		} {
			g := setup(t, sandbox.Options{})
			list := g.NewList("Clienti")
			status, body := g.upload("x.csv", content, map[string]string{"removeHead": "true", "listId": fmt.Sprint(list)})
			equal(t, name+": status", status, 200)
			if !strings.Contains(body, `"summary":{"total":2,"imported":2,"duplicates":0,"errors":0}`) {
				t.Errorf("%s: %s", name, body)
			}
			for id, want := range map[int]string{1: "+393331111111 Nicolò true", 2: "+393332222222 Andrè true"} {
				c := g.get(200, "GET", base+"/contacts/"+fmt.Sprint(id), "")
				equal(t, name, fmt.Sprint(c["phoneNumber"], " ", c["firstName"], " ", c["isValid"]), want)
			}
		}
	})

	// What cannot be a number any more stays wrong: a guess would be somebody else.
	t.Run("GuessesNoNumber", func(t *testing.T) {
		t.Parallel()
		g := setup(t, sandbox.Options{})
		numbers := []string{"3,93331E+11", "393331230011", "+49 (0)30 1234567", "+393331230017/+393331230018", "+39 333/1230013", "tel:+393331230016"}
		g.upload("x.csv", "phoneNumber;firstName\n"+strings.Join(numbers, ";x\n")+";x\n", map[string]string{"removeHead": "true"})
		for i, number := range numbers {
			c := g.get(200, "GET", base+"/contacts/"+fmt.Sprint(i+1), "")
			equal(t, number, fmt.Sprint(c["phoneNumber"], " ", c["isValid"]), number+" false")
		}
	})

	t.Run("CountsLinesAsTheFileHasThem", func(t *testing.T) {
		t.Parallel()
		g := setup(t, sandbox.Options{})
		_, body := g.upload("x.csv", "\nsep=;\n\nphoneNumber;firstName\n;Anna\n", map[string]string{"removeHead": "true"})
		if !strings.Contains(body, `{"line":5,"reason"`) {
			t.Error(body)
		}
	})

	t.Run("OfWhatCannotBeReadIsRefused", func(t *testing.T) {
		t.Parallel()
		g := setup(t, sandbox.Options{})
		for _, c := range []struct {
			name, content string
			values        map[string]string
			want          string
		}{
			{"x.xlsx", "PK", nil, refusal("file", `Files of type ".xlsx" are not supported by the sandbox, only .csv and .txt`)},
			{"x.csv", "phoneNumber;firstName\n+393331230003;Nicol\xf2\n", nil, refusal("file", "File is not UTF-8 in line 2 (Latin-1 or Windows-1252?): save it as CSV UTF-8")},
			{"x.csv", "p\x00h\x00o\x00n\x00e\x00", nil, refusal("file", "File has a zero byte in line 1 (UTF-16 without its mark?): save it as CSV UTF-8")},
			{"x.csv", "1,2\n", map[string]string{"listId": "99"}, refusal("listId", "Contact list 99 does not exist")},
			{"x.csv", "1,2\n", map[string]string{"listId": "x"}, refusal("file", `ListId "x" is not a number`)},
		} {
			status, body := g.upload(c.name, c.content, c.values)
			equal(t, "status", status, 400)
			equal(t, "body", body, c.want)
		}
		g.wants(400, refusal("file", "Request is not multipart/form-data"), "POST", base+"/contacts/upload", "{}")
		equal(t, "contacts", ids(g.get(200, "GET", base+"/contacts", "")), "[] of 0")
	})

	t.Run("GoesByTheNumbersOfToday", func(t *testing.T) {
		t.Parallel()
		g := setup(t, sandbox.Options{})
		g.get(201, "POST", base+"/contacts", `{"phoneNumber":"+393331111111","firstName":"Anna"}`)
		g.get(200, "PUT", base+"/contacts/1", `{"phoneNumber":"+393332222222"}`)
		g.upload("x.csv", "+393331111111,Bruno\n+393332222222,Carla\n", nil)
		names := ""
		for _, c := range g.get(200, "GET", base+"/contacts", "")["content"].([]any) {
			names += fmt.Sprint(c.(map[string]any)["firstName"], " ")
		}
		equal(t, "names", names, "Carla Bruno ")

		// Of two with one number, the first is the one.
		g.get(201, "POST", base+"/contacts", `[{"phoneNumber":"+393335555555"},{"phoneNumber":"+393335555555"}]`)
		g.upload("x.csv", "+393335555555,Dino\n", nil)
		equal(t, "first", g.get(200, "GET", base+"/contacts/3", "")["firstName"], any("Dino"))
	})

	t.Run("OfALongListIsOneCalculation", func(t *testing.T) {
		t.Parallel()
		g := setup(t, sandbox.Options{})
		var b strings.Builder
		b.WriteString("phoneNumber,code\n")
		for i := range 20_000 {
			fmt.Fprintf(&b, "+39333%07d,%d\n", i%15_000, i)
		}
		g.NewList("Clienti")
		_, body := g.upload("x.csv", b.String(), map[string]string{"removeHead": "true", "listId": "87"})
		got, _ := json.Marshal(parse(t, body)["summary"])
		equal(t, "summary", string(got), `{"duplicates":5000,"errors":0,"imported":20000,"total":20000}`)
		id := g.created("campaign")
		g.configure(id, 87, "Ciao {{code}}")
		equal(t, "goal", g.goal(id), "15000 total, 15000 valid, 0 invalid, 15000 parts")
	})
}

func TestFillDemo(t *testing.T) {
	t.Parallel()

	t.Run("IsTheSameOnEveryFreshSandboxAndPersonal", func(t *testing.T) {
		t.Parallel()
		a, b := shopItalia(t), shopItalia(t)
		pageA := a.get(200, "GET", base+"/contacts?limit=1000&page=3", "")
		equal(t, "contacts", b.get(200, "GET", base+"/contacts?limit=1000&page=3", ""), pageA)
		codes := map[any]bool{}
		for _, c := range pageA["content"].([]any) {
			contact := c.(map[string]any)
			if contact["firstName"] == nil || contact["lastName"] == nil {
				t.Fatalf("%v has no name", contact)
			}
			codes[contact["customFields"].(map[string]any)["code"]] = true
		}
		equal(t, "codes", len(codes), 1000)
	})

	t.Run("ASecondListDoesNotDisturbTheFirst", func(t *testing.T) {
		t.Parallel()
		g := setup(t, sandbox.Options{})
		spec := sandbox.DemoList{Contacts: 100, Duplicates: 10, Malformed: 7, OptedOut: 20, Unreachable: 9}
		for _, d := range []sandbox.DemoList{spec, spec, {Contacts: 300, Unreachable: 300}, {Contacts: 300, OptedOut: 300}} {
			if _, err := g.FillDemo(d); err != nil {
				t.Fatal(err)
			}
		}
		for list := 87; list < 89; list++ {
			id := g.created("campaign")
			g.configure(id, list, "Ciao")
			equal(t, "goal", g.goal(id), "100 total, 63 valid, 37 invalid, 63 parts")
			g.get(200, "PUT", campaign(id, "/confirm"), immediately)
			g.clock.Add(1e12)
			equal(t, "delivered", fmt.Sprint(g.stats(id)["stats"].(map[string]any)["delivered"]), "54")
		}
	})

	t.Run("ThatContradictsItselfIsRefused", func(t *testing.T) {
		t.Parallel()
		g := setup(t, sandbox.Options{})
		for _, d := range []sandbox.DemoList{
			{Contacts: -1}, {Contacts: 10, Malformed: 11}, {Contacts: 10, Unreachable: 11},
			{Contacts: 10, Duplicates: 10}, {Contacts: 1_000_001},
		} {
			if _, err := g.FillDemo(d); err == nil {
				t.Errorf("%+v is accepted", d)
			}
		}
		equal(t, "contacts", ids(g.get(200, "GET", base+"/contacts", "")), "[] of 0")
	})
}
