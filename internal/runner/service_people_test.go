package runner_test

import (
	"context"

	"github.com/staffetta-io/staffetta/internal/campaign"
)

// The port of the people, which breaks where a test says.

func (p *ports) Prepare(ctx context.Context, key campaign.Key, r campaign.Request) (out campaign.Prepared, err error) {
	if !p.at("prepare", func() { out, err = p.people.Prepare(ctx, key, r) }) {
		return campaign.Prepared{}, errNoAnswer
	}
	return out, err
}

func (p *ports) Screen(ctx context.Context, key campaign.Key, r campaign.Request, was campaign.Prepared) (upTo uint64, err error) {
	if !p.at("screen", func() { upTo, err = p.people.Screen(ctx, key, r, was) }) {
		return 0, errNoAnswer
	}
	return upTo, err
}

func (p *ports) Open(ctx context.Context, key campaign.Key, r campaign.Request, digest string) (file campaign.File, err error) {
	if !p.at("open", func() { file, err = p.people.Open(ctx, key, r, digest) }) {
		return nil, errNoAnswer
	}
	return file, err
}

func (p *ports) Discard(ctx context.Context, key campaign.Key, r campaign.Request) (err error) {
	if !p.at("discard", func() { err = p.people.Discard(ctx, key, r) }) {
		return errNoAnswer
	}
	return err
}

func (p *ports) Claim(ctx context.Context, account string, c campaign.Campaign) (number uint64, err error) {
	if !p.at("claim", func() { number, err = p.claims.Claim(ctx, account, c) }) {
		return 0, errNoAnswer
	}
	return number, err
}

func (p *ports) Release(ctx context.Context, account string, key campaign.Key, number uint64) (err error) {
	if !p.at("release", func() { err = p.claims.Release(ctx, account, key, number) }) {
		return errNoAnswer
	}
	return err
}
