#!/usr/bin/perl
# A certificate that was renewed serves new connections without anybody's help, as ACME clients
# leave it behind (a link that leads elsewhere); one that can't be used changes nothing.
use strict;
use warnings;

use File::Temp qw(tempdir);
use Test::More;
use lib 't/lib';
use Poterne::Gateway;
use Poterne::Process qw(command_output wait_until);
use Poterne::Tree qw(command_there);

plan skip_all => 'openssl is not installed' if !command_there('openssl');
open STDIN, '<', '/dev/null' or die "$!\n";    # s_client ends where its input does
my $to = 'jean@session.example';
my $root = tempdir( 'poterne-certificates-XXXXXX', TMPDIR => 1, CLEANUP => 1 );
chmod 0755, $root;

sub make_pair {
    my ($name) = @_;
    my ( $failed, $said ) = command_output(
        qw(/usr/bin/openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj),
        "/CN=$name.poterne.example", '-keyout', "$root/$name-key.pem", '-out', "$root/$name.pem" );
    die "openssl: $said\n" if $failed;
    chmod 0600, "$root/$name-key.pem";
    return;
}

# As certbot does it, the certificate first.
sub point_to {
    my ( $certificate, $key ) = @_;
    for my $pair ( [ "$certificate.pem", 'live.pem' ], [ "$key-key.pem", 'live-key.pem' ] ) {
        symlink $pair->[0], "$root/new" or die "symlink: $!\n";
        rename "$root/new", "$root/$pair->[1]" or die "rename: $!\n";
    }
    return;
}

make_pair($_) for qw(first second third);
point_to( 'first', 'first' );
my $gateway = Poterne::Gateway->new(
    root     => $root,
    settings => { smtp => { tls_certificate => qq("$root/live.pem"), tls_key => qq("$root/live-key.pem") } },
    domains  => { 'session.example' => { next_hop => Poterne::Gateway::maildir_hop($root), recipients => [$to] } }
)->start;

# Whose certificate a new connection is shown.
sub shown {
    my ( undef, $said ) = command_output( 'timeout', 10, qw(/usr/bin/openssl s_client -starttls smtp -connect),
        "127.0.0.1:$gateway->{port}" );
    return $said =~ /subject=CN\s*=\s*(\w+)\.poterne/ ? $1 : $said;
}

is( shown(), 'first', 'the certificate of the settings' );
ok( $gateway->wait_for_log(qr/live\.pem expires in 1 days/), 'its near end is told' );
my $open = $gateway->smtp;
$open->hello;
is( ( $open->command('MAIL FROM:<a@remote.example>') )[0], 250, 'a session begins' );

point_to( 'second', 'second' );
ok( wait_until( 30, sub { shown() eq 'second' } ), 'a renewed one is taken up' ) or diag( shown() );
is( ( $open->command("RCPT TO:<$to>") )[0], 250, 'who was there before goes on' );
$open->quit;

my $before = length $gateway->log_text;
point_to( 'third', 'first' );
ok( $gateway->wait_for_log( qr/smtp\.tls_key/, $before, 30 ), 'a key of another certificate is said to be one' );
is( shown(), 'second', 'and the one before serves on' );
point_to( 'third', 'third' );
ok( wait_until( 60, sub { shown() eq 'third' } ), 'mended, it is taken up' ) or diag( shown() );
$gateway->stop;
done_testing();
