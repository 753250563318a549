// Two users and a message between them, by the generated Go client.
package main

import (
	"context"
	"fmt"
	"log"
	"os"

	"example/twim"
)

func main() {
	configuration := twim.NewConfiguration()
	configuration.Servers = twim.ServerConfigurations{{URL: os.Args[1]}}
	client := twim.NewAPIClient(configuration)
	ctx := context.WithValue(context.Background(), twim.ContextAccessToken, os.Args[2])

	for _, name := range []string{"go-ann", "go-ben"} {
		body := twim.NewUserBody()
		body.SetNickname(name)
		if _, _, err := client.ApiUsersAPI.ApiUsersPut(ctx, name).UserBody(*body).Execute(); err != nil {
			log.Fatal(err)
		}
	}

	to := twim.NewTo()
	to.SetUser("go-ben")
	message := twim.NewMessageBody("go-ann", *to)
	message.SetContent("hello from Go")
	asked := twim.ApiMessagesPostRequest{MessageBody: message}
	sent, _, err := client.ApiMessagesAPI.ApiMessagesPost(ctx).ApiMessagesPostRequest(asked).Execute()
	if err != nil {
		log.Fatal(err)
	}
	found, _, err := client.ApiMessagesAPI.ApiMessagesGet(ctx).Users("go-ann,go-ben").Execute()
	if err != nil {
		log.Fatal(err)
	}
	for _, one := range found.GetRows() {
		if data := sent.GetData(); one.GetSeq() == data.GetSeq() {
			fmt.Printf("Go: %s\n", one.GetContent())
		}
	}
}
