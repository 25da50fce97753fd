package blob

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"

	"github.com/minio/minio-go/v7"
	"github.com/minio/minio-go/v7/pkg/credentials"
)

// S3Config says which bucket and as whom.
type S3Config struct {
	Endpoint  string // http://host:port or https://host
	Region    string // "us-east-1" where the store has none
	Bucket    string // it exists; this program makes none
	AccessKey string
	SecretKey string
	Prefix    string // before every key, "" or "clientele/"
}

// S3 keeps blobs as objects of a bucket, addressed by path.
type S3 struct {
	core   minio.Core
	bucket string
	prefix string
}

// OpenS3 makes the store; nothing is sent.
func OpenS3(c S3Config) (*S3, error) {
	u, err := url.Parse(c.Endpoint)
	if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" || u.Path != "" && u.Path != "/" || u.User != nil {
		return nil, fmt.Errorf("blob: the endpoint is no URL of the form https://host[:port]")
	}
	if c.Bucket == "" || c.AccessKey == "" || c.SecretKey == "" {
		return nil, errors.New("blob: bucket, access key and secret key are required")
	}
	region := c.Region
	if region == "" {
		region = "us-east-1" // otherwise the client would ask the store before every first request
	}
	core, err := minio.NewCore(u.Host, &minio.Options{
		Creds: credentials.NewStaticV4(c.AccessKey, c.SecretKey, ""), Secure: u.Scheme == "https", Region: region, BucketLookup: minio.BucketLookupPath,
	})
	if err != nil {
		return nil, err
	}
	return &S3{core: *core, bucket: c.Bucket, prefix: c.Prefix}, nil
}

// Put implements Store: one request, which the store takes whole or not at all, on the condition that there is no such object.
func (s *S3) Put(ctx context.Context, key string, r io.Reader, size int64) error {
	if err := checkKey(key); err != nil {
		return err
	}
	if _, err := s.Stat(ctx, key); err == nil {
		return ErrExists
	} else if !errors.Is(err, ErrAbsent) {
		return err
	}
	in := &exact{r: r, left: size}
	if size == 0 { // a request without a body does not ask for one
		if _, err := in.Read(make([]byte, 1)); err != io.EOF {
			return err
		}
	}
	options := minio.PutObjectOptions{ContentType: "application/octet-stream", DisableMultipart: true}
	options.SetMatchETagExcept("*")
	_, err := s.core.Client.PutObject(ctx, s.bucket, s.prefix+key, in, size, options)
	if said := in.failed(); said != nil {
		return said
	}
	return s.spoken(err)
}

// Open implements Store.
func (s *S3) Open(ctx context.Context, key string, offset, length int64) (io.ReadCloser, error) {
	if err := checkKey(key); err != nil {
		return nil, err
	}
	if length == 0 {
		if _, err := s.Stat(ctx, key); err != nil {
			return nil, err
		}
		return http.NoBody, nil
	}
	var options minio.GetObjectOptions
	last := ""
	if length > 0 {
		last = strconv.FormatInt(offset+length-1, 10)
	}
	if offset > 0 || length > 0 {
		options.Set("Range", "bytes="+strconv.FormatInt(offset, 10)+"-"+last)
	}
	body, _, _, err := s.core.GetObject(ctx, s.bucket, s.prefix+key, options)
	if minio.ToErrorResponse(err).StatusCode == http.StatusRequestedRangeNotSatisfiable {
		return http.NoBody, nil
	}
	if err != nil {
		return nil, s.spoken(err)
	}
	return body, nil
}

// Stat implements Store.
func (s *S3) Stat(ctx context.Context, key string) (int64, error) {
	if err := checkKey(key); err != nil {
		return 0, err
	}
	info, err := s.core.StatObject(ctx, s.bucket, s.prefix+key, minio.StatObjectOptions{})
	if err != nil {
		return 0, s.spoken(err)
	}
	return info.Size, nil
}

// Delete implements Store.
func (s *S3) Delete(ctx context.Context, key string) error {
	if err := checkKey(key); err != nil {
		return err
	}
	if err := s.spoken(s.core.RemoveObject(ctx, s.bucket, s.prefix+key, minio.RemoveObjectOptions{})); !errors.Is(err, ErrAbsent) {
		return err
	}
	return nil
}

// Check implements Store.
func (s *S3) Check(ctx context.Context) error { return check(ctx, s) }

// spoken turns what the server says into the store's words.
func (s *S3) spoken(err error) error {
	if err == nil {
		return nil
	}
	said := minio.ToErrorResponse(err)
	switch {
	case said.Code == minio.NoSuchKey:
		return ErrAbsent
	case said.StatusCode == http.StatusPreconditionFailed, said.StatusCode == http.StatusConflict && said.Code != "BucketAlreadyExists":
		return ErrExists
	case said.StatusCode == http.StatusInsufficientStorage, said.Code == "QuotaExceeded", said.Code == "XMinioStorageFull":
		return fmt.Errorf("%w: %w", ErrFull, err)
	}
	return err
}
