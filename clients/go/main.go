// The main job, through a client generated from the document: `go run . ADDRESS PASSWORD`.
package main

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"log"
	"os"
	"strings"
	"time"

	"example/toilet"
)

const village = "360423208202"
const ledger = `村,户主姓名,门牌号码,改厕方式,改厕年份
安乐村,演示围棋甲,G1号,三格,2024
安乐村,演示围棋乙,G2号,双瓮,2025
安乐村,演示围棋丙,G3号,三格,1800
`
const png = "iVBORw0KGgoAAAANSUhEUgAAAAIAAAACCAIAAAD91JpzAAAAEElEQVR4nGP4z8AARAwQCgAf7gP9i18U1AAAAABJRU5ErkJggg=="

// got stops at a refusal, and tells it as a person would want to read it.
func got[T any](answer T, refusal error) T {
	if refusal != nil {
		log.Fatal(refusal, " ", problem(refusal))
	}
	return answer
}

func problem(refusal error) toilet.Problem {
	var told toilet.Problem
	var generic *toilet.GenericOpenAPIError
	if errors.As(refusal, &generic) {
		_ = json.Unmarshal(generic.Body(), &told)
	}
	return told
}

func signedIn(address, username, password string) *toilet.APIClient {
	configuration := toilet.NewConfiguration()
	configuration.Servers = toilet.ServerConfigurations{{URL: address}}
	client := toilet.NewAPIClient(configuration)
	asked := client.AuthAPI.CreateToken(context.Background()).GrantType("password").Username(username).Password(password)
	token, _, err := asked.Execute()
	configuration.AddDefaultHeader("Authorization", "Bearer "+got(token, err).AccessToken)
	fmt.Println("signed in:", username)
	return client
}

func file(name string, content []byte) *os.File {
	path := os.TempDir() + "/" + name
	if err := os.WriteFile(path, content, 0o600); err != nil {
		log.Fatal(err)
	}
	return got(os.Open(path))
}

func upload(ctx context.Context, township *toilet.APIClient) {
	made := file("ledger.csv", []byte(ledger))
	defer os.Remove(made.Name())
	job, _, err := township.ExchangeAPI.CreateImport(ctx).File(made).DryRun(false).OnConflict("fail").Execute()
	for got(job, err).State == "queued" || job.State == "running" {
		time.Sleep(200 * time.Millisecond)
		job, _, err = township.ExchangeAPI.GetImport(ctx, job.Id).Execute()
	}
	fmt.Printf("uploaded: %s, %d created, %d rejected\n", job.State, job.Counts.Created, job.Counts.Rejected)
	report, _, err := township.ExchangeAPI.ListImportRows(ctx, job.Id).Outcome("rejected").Execute()
	for _, row := range got(report, err).Items {
		fmt.Printf("rejected: row %d, %s\n", row.Row, row.Errors[0].Reason)
	}
}

func uuid() string {
	b := make([]byte, 16)
	_, _ = rand.Read(b)
	b[6], b[8] = b[6]&0x0f|0x40, b[8]&0x3f|0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:])
}

func survey(ctx context.Context, surveyor *toilet.APIClient) string {
	own := uuid()
	person := toilet.NewPersonInput("演示围棋丁")
	person.SetAddress("G4号")
	home := toilet.NewToiletInput("three_compartment")
	home.SetBuiltYear(2024)
	body := toilet.NewHouseholdCreate(village, *person)
	body.SetId(own)
	body.SetToilets([]toilet.ToiletInput{*home})
	household, _, err := surveyor.RegistryAPI.CreateHousehold(ctx).HouseholdCreate(*body).Execute()
	again, answer, repeated := surveyor.RegistryAPI.CreateHousehold(ctx).HouseholdCreate(*body).Execute()
	if got(household, err).Id != own || got(again, repeated).Id != own || answer.StatusCode != 200 {
		log.Fatal("household: wrong")
	}
	fmt.Println("household: under an id of our own, once")
	drawn := file("signature.png", got(base64.StdEncoding.DecodeString(png)))
	defer os.Remove(drawn.Name())
	picture := surveyor.SurveyAPI.CreateAttachment(ctx).File(drawn).Kind("signature").DivisionCode(village)
	signature, _, err := picture.Execute()
	visit := toilet.NewVisitNew(own, "ask_and_look", "at_home", time.Now())
	visit.SetToiletId(household.Toilets[0].Id)
	visit.SetUsability("not_usable")
	visit.SetSurveyorSignatureIds([]string{got(signature, err).Id})
	finding := toilet.NewFindingIn("tank_cracked")
	finding.SetNote("第二池开裂")
	visit.SetFindings([]toilet.FindingIn{*finding})
	made, _, err := surveyor.SurveyAPI.CreateVisit(ctx).VisitNew(*visit).Execute()
	submitted, _, err := surveyor.SurveyAPI.SubmitVisit(ctx, got(made, err).Id).Execute()
	fmt.Printf("visit: %s, %s\n", got(submitted, err).State, submitted.Findings[0].ProblemType)
	return own
}

func walk(ctx context.Context, client *toilet.APIClient) {
	seen, pages := map[string]bool{}, 0
	for cursor := ""; pages == 0 || cursor != ""; pages++ {
		asked := client.SurveyAPI.ListProblems(ctx).Limit(3)
		if cursor != "" {
			asked = asked.Cursor(cursor)
		}
		page, _, err := asked.Execute()
		for _, one := range got(page, err).Items {
			seen[one.Id] = true
		}
		cursor = page.GetNextCursor()
	}
	if len(seen) <= 3 || pages != (len(seen)+2)/3 {
		log.Fatal("ledger: wrong")
	}
	fmt.Println("ledger: walked, nothing twice")
}

func changes(ctx context.Context, client *toilet.APIClient, household string) {
	operations, cursor := []string{}, ""
	for more := true; more; {
		asked := client.ExchangeAPI.GetChanges(ctx).Types("household").Limit(1000)
		if cursor != "" {
			asked = asked.Since(cursor)
		}
		page, _, err := asked.Execute()
		for _, one := range got(page, err).Items {
			if one.Id == household {
				operations = append(operations, one.Op)
			}
		}
		cursor, more = page.NextCursor, page.More
	}
	fmt.Println("changes:", strings.Join(operations, ", "))
}

func refused(ctx context.Context, client *toilet.APIClient) {
	_, answer, err := client.RegistryAPI.GetHousehold(ctx, uuid()).Execute()
	told := problem(err)
	remedy := "bare"
	if told.GetRemedy() != "" {
		remedy = "with a remedy"
	}
	fmt.Printf("refused: %d %s, %s\n", answer.StatusCode, told.Code, remedy)
}

func main() {
	address, password, ctx := os.Args[1], os.Args[2], context.Background()
	township := signedIn(address, "township_manager", password)
	upload(ctx, township)
	surveyor := signedIn(address, "village_surveyor", password)
	household := survey(ctx, surveyor)
	walk(ctx, township)
	changes(ctx, township, household)
	refused(ctx, surveyor)
}
