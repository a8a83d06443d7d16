# HTTPS servers of the test, and the authority that certifies them: Python's own server with real TLS.
#
#     my $ca = Poterne::Https::authority($folder);            # { cert => file, key => file }
#     my $server = Poterne::Https->new( folder => …, ca => $ca, names => ['mta-sts.world.example'] );
#     $server->answers( { '/.well-known/mta-sts.txt' => { body => "version: STSv1\r\n…" } } );
#     $server->start;                                         # or die
#     $gateway settings: fetch => { trusted => qq("$ca->{cert}"), port => $server->{port} }
#                        outside => { never_to => '{ }' }     # it listens on 127.0.0.1
#     $server->requests; $server->pause; $server->resume; $server->stop;
#
# An answer is a hash as t/lib/https_server.py says. `days` (default 2) may be negative: expired.
package Poterne::Https;

use strict;
use warnings;

use File::Path qw(make_path);
use JSON::PP ();
use MIME::Base64 qw(decode_base64);

use Poterne::Files qw(write_file);
use Poterne::Process qw(adopt free_port wait_for_port start_process stop_process command_output);

use constant PROGRAM => '/usr/bin/python3';

# Why it can't be used here, or undef.
sub missing {
    return 'Debian package python3 is not installed' if !-x PROGRAM;
    my ( $failed, $why ) = command_output( PROGRAM, '-c', 'import ssl, http.server' );
    return $failed ? "python3: $why" : undef;
}

sub openssl {
    my ($failed, $why) = command_output( 'openssl', @_ );
    die "openssl @_: $why\n" if $failed;
    return;
}

my @curve = qw(-newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes);

sub authority {
    my ( $folder, $name ) = @_;
    make_path($folder);
    my %ca = ( cert => "$folder/ca.pem", key => "$folder/ca.key" );
    openssl( 'req', '-x509', @curve, '-days', 3, '-subj', '/CN=' . ( $name // 'test authority' ), '-keyout', $ca{key}, '-out', $ca{cert} );
    return \%ca;
}

sub certify {
    my ($self) = @_;
    my ( $folder, $ca, @names ) = ( @{$self}{qw(folder ca)}, @{ $self->{names} } );
    my $days = $self->{days} // 2;
    write_file( "$folder/extensions", 'subjectAltName=' . join( ',', map { /^[\d.]+$/ ? "IP:$_" : "DNS:$_" } @names ) . "\n" );
    openssl( 'req', '-new', @curve, '-subj', "/CN=$names[0]", '-keyout', "$folder/server.key", '-out', "$folder/server.csr" );
    if ( $days > 0 ) {
        openssl( 'x509', '-req', '-in', "$folder/server.csr", '-CA', $ca->{cert}, '-CAkey', $ca->{key}, '-set_serial', time,
            '-days', $days, '-extfile', "$folder/extensions", '-out', "$folder/server.pem" );
        return;
    }
    write_file( "$folder/index", '' );
    write_file( "$folder/serial", "01\n" );
    write_file( "$folder/ca.cnf", <<"END" );
[ca]
default_ca = here
[here]
database = $folder/index
serial = $folder/serial
new_certs_dir = $folder
certificate = $ca->{cert}
private_key = $ca->{key}
default_md = sha256
policy = any
[any]
commonName = supplied
END
    openssl( qw(ca -batch -notext -config), "$folder/ca.cnf", '-in', "$folder/server.csr", '-startdate', '20200101000000Z', '-enddate', '20200201000000Z',
        '-extfile', "$folder/extensions", '-out', "$folder/server.pem" );
    return;
}

sub new {
    my ( $class, %option ) = @_;
    my $self = bless { names => ['127.0.0.1'], address => '127.0.0.1', port => free_port(), %option }, $class;
    make_path( $self->{folder} );
    $self->certify;
    $self->answers( {} );
    return $self;
}

sub answers {
    my ( $self, $answers ) = @_;
    my $file = "$self->{folder}/answers";
    write_file( "$file.new", JSON::PP->new->ascii->encode($answers) );
    rename "$file.new", $file or die "$file: $!\n";
    return;
}

sub start {
    my ($self) = @_;
    my $folder = $self->{folder};
    my ($program) = map { "$_/https_server.py" } grep { -f "$_/https_server.py" } @INC, 't/lib';
    $self->{pid} = start_process( "$folder/log", PROGRAM, $program, @{$self}{qw(address port)}, "$folder/server.pem", "$folder/server.key", "$folder/answers", "$folder/notes" );
    wait_for_port( $self->{port}, 20, $self->{pid}, $self->{address} ) or die "the HTTPS server does not start: see $folder/log\n";
    return $self;
}

# All that was asked so far, in order: method, path, host, headers (lower case), body, from (the client's port).
sub requests {
    my ($self) = @_;
    open my $file, '<', "$self->{folder}/notes" or return;
    my @requests = map { JSON::PP::decode_json($_) } <$file>;
    $_->{body} = decode_base64( $_->{body} ) for @requests;
    return @requests;
}

sub pause  { my ($self) = @_; kill 'STOP', $self->{pid}; return }
sub resume { my ($self) = @_; kill 'CONT', $self->{pid}; return }

sub stop {
    my ($self) = @_;
    my $pid = delete $self->{pid} or return;
    stop_process( $pid, 'KILL', 10 );
    return;
}

1;
