# An authority of the test's own and certificates that it gave, made with openssl.
#
#     my $authority = Poterne::Certificates->new($folder);
#     my $one = $authority->give( 'mx', names => ['mx.example'], from => -10, days => 5 );
#     $authority->file                        # its certificate
#     $one->{certificate}, $one->{key}        # files; the certificate has the authority's behind it
#     Poterne::Certificates::tlsa( $file, 3, 1, 1 )   # "3 1 1 ab…" of the first certificate in a file
package Poterne::Certificates;

use strict;
use warnings;

use Digest::SHA qw(sha256_hex sha512_hex);
use File::Path qw(make_path);

use Poterne::Files qw(write_file);
use Poterne::Process qw(command_output);
use Poterne::Tree qw(slurp);

use constant { OPENSSL => '/usr/bin/openssl', DAY => 86400 };

sub missing { return -x OPENSSL ? undef : 'Debian package openssl is not installed' }

sub openssl {
    my (@arguments) = @_;
    my ( $status, $output ) = command_output( OPENSSL, @arguments );
    die "openssl @arguments: $output\n" if $status;
    return $output;
}

sub new_key { my ($file) = @_; return openssl( qw(genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out), $file ) }

sub new {
    my ( $class, $folder ) = @_;
    my $self = bless { folder => $folder, serial => 1 }, $class;
    make_path($folder);
    new_key("$folder/ca.key");
    openssl( qw(req -x509 -new -key), "$folder/ca.key", '-out', $self->file, qw(-days 30 -subj), '/CN=an authority of a test',
        '-addext', 'basicConstraints=critical,CA:TRUE', '-addext', 'keyUsage=critical,keyCertSign,cRLSign' );
    return $self;
}

sub file { my ($self) = @_; return "$self->{folder}/ca.pem" }

sub stamp {
    my ($time) = @_;
    my ( $s, $m, $h, $day, $month, $year ) = gmtime $time;
    return sprintf '%04d%02d%02d%02d%02d%02dZ', $year + 1900, $month + 1, $day, $h, $m, $s;
}

# from: days from now on that it begins to hold.
sub give {
    my ( $self, $label, %option ) = @_;
    my $base = "$self->{folder}/$label";
    my $from = time + DAY * ( $option{from} // -1 );
    my $names = join ',', map { /^[0-9.]+$|:/ ? "IP:$_" : "DNS:$_" } @{ $option{names} };
    new_key("$base.key");
    openssl( qw(req -new -key), "$base.key", '-out', "$base.csr", '-subj', '/CN=a server of a test' );
    make_path("$base.db");
    write_file( "$base.db/index", '' );
    write_file( "$base.cnf", <<"END" );
[ca]
default_ca = one
[one]
database = $base.db/index
new_certs_dir = $base.db
rand_serial = yes
default_md = sha256
policy = any
x509_extensions = server
[any]
commonName = supplied
[server]
basicConstraints = CA:FALSE
extendedKeyUsage = serverAuth
subjectAltName = $names
END
    openssl( qw(ca -batch -notext -config), "$base.cnf", '-cert', $self->file, '-keyfile', "$self->{folder}/ca.key", '-in', "$base.csr", '-out',
        "$base.one", '-startdate', stamp($from), '-enddate', stamp( $from + DAY * ( $option{days} // 10 ) ) );
    write_file( "$base.pem", slurp("$base.one") . slurp( $self->file ) );
    return { certificate => "$base.pem", key => "$base.key" };
}

sub tlsa {
    my ( $file, $usage, $selector, $matching ) = @_;
    my $der = "$file.der";
    openssl( qw(x509 -outform DER -in), $file, '-out', $der );
    if ($selector) {
        write_file( "$file.pub", openssl( qw(x509 -noout -pubkey -in), $file ) );
        openssl( qw(pkey -pubin -outform DER -in), "$file.pub", '-out', $der );
    }
    my $bytes = slurp($der);
    return "$usage $selector $matching " . ( unpack( 'H*', $bytes ), sha256_hex($bytes), sha512_hex($bytes) )[$matching];
}

1;
