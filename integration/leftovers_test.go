package integration

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strconv"
	"syscall"

	"github.com/moby/moby/client"
	"github.com/testcontainers/testcontainers-go"
)

// Labels on everything that these tests start: what it is, and which process
// started it where. A run that was killed leaves its containers behind; the next
// one knows them by these.
const (
	labelTest = "io.staffetta.integration"
	labelHost = "io.staffetta.integration.host"
	labelPID  = "io.staffetta.integration.pid"
)

func labels() map[string]string {
	host, _ := os.Hostname()
	return map[string]string{labelTest: "true", labelHost: host, labelPID: strconv.Itoa(os.Getpid())}
}

// orphaned says that the process that started something is gone. Of other
// machines' processes nothing is known: theirs stays.
func orphaned(l map[string]string) bool {
	host, _ := os.Hostname()
	pid, err := strconv.Atoi(l[labelPID])
	if err != nil || l[labelHost] != host {
		return false
	}
	return errors.Is(syscall.Kill(pid, 0), syscall.ESRCH)
}

// sweep removes what earlier runs left behind: containers, networks,
// volumes, images.
func sweep(ctx context.Context) error {
	docker, err := testcontainers.NewDockerClientWithOpts(ctx)
	if err != nil {
		return err
	}
	defer docker.Close()
	ours := client.Filters{}.Add("label", labelTest)

	containers, err := docker.ContainerList(ctx, client.ContainerListOptions{All: true, Filters: ours})
	if err != nil {
		return fmt.Errorf("list leftover containers: %w", err)
	}
	for _, c := range containers.Items {
		if orphaned(c.Labels) {
			if _, err := docker.ContainerRemove(ctx, c.ID, client.ContainerRemoveOptions{Force: true, RemoveVolumes: true}); err != nil {
				return fmt.Errorf("remove leftover container %s: %w", c.ID, err)
			}
		}
	}
	networks, err := docker.NetworkList(ctx, client.NetworkListOptions{Filters: ours})
	if err != nil {
		return fmt.Errorf("list leftover networks: %w", err)
	}
	for _, n := range networks.Items {
		if orphaned(n.Labels) {
			if _, err := docker.NetworkRemove(ctx, n.ID, client.NetworkRemoveOptions{}); err != nil {
				return fmt.Errorf("remove leftover network %s: %w", n.Name, err)
			}
		}
	}
	volumes, err := docker.VolumeList(ctx, client.VolumeListOptions{Filters: ours})
	if err != nil {
		return fmt.Errorf("list leftover volumes: %w", err)
	}
	for _, v := range volumes.Items {
		if orphaned(v.Labels) {
			if _, err := docker.VolumeRemove(ctx, v.Name, client.VolumeRemoveOptions{Force: true}); err != nil {
				return fmt.Errorf("remove leftover volume %s: %w", v.Name, err)
			}
		}
	}
	images, err := docker.ImageList(ctx, client.ImageListOptions{Filters: ours})
	if err != nil {
		return fmt.Errorf("list leftover images: %w", err)
	}
	for _, i := range images.Items {
		if orphaned(i.Labels) {
			if _, err := docker.ImageRemove(ctx, i.ID, client.ImageRemoveOptions{Force: true, PruneChildren: true}); err != nil {
				return fmt.Errorf("remove leftover image %s: %w", i.ID, err)
			}
		}
	}
	return nil
}
