#!/usr/bin/perl
# An LDAP directory that loses too many people at once: they serve on, over a restart too, until a manager
# says that they are gone; whoever is new is taken up meanwhile. And what `poterne directory` says then.
use strict;
use warnings;

use File::Temp qw(tempdir);
use IO::Socket::INET;
use Test::More;
use Time::HiRes qw(time);
use lib 't/lib';
use Poterne::Gateway;
use Poterne::Process qw(wait_until command_output);
use Poterne::Slapd;

plan skip_all => 'slapd is not installed' if !Poterne::Slapd::there();

use constant PEOPLE => 50;

my $root = tempdir( 'poterne-shrink-XXXXXX', TMPDIR => 1, CLEANUP => 1 );
chmod 0755, $root;
my $person = \&Poterne::Slapd::person;
my $slapd = Poterne::Slapd->new( "$root/slapd",
    join '', map { $person->( "u$_", "mail: p$_\@dir.example", "mailAlternateAddress: u$_\@dir.example" ) } 1 .. PEOPLE );
my $silent = IO::Socket::INET->new( Listen => 5, LocalAddr => '127.0.0.1', Proto => 'tcp' ) or die "listen: $!\n";
my $hop = Poterne::Gateway::maildir_hop("$root/gateway");
my $gateway = Poterne::Gateway->new(
    root     => "$root/gateway",
    sections => "\nldap staff {\n" . $slapd->settings( snapshot => '1s', lookups => 'no' ) . "}\n"
        . "\nldap hole {\n" . $slapd->settings( snapshot => '0', servers => '{ ldap://127.0.0.1:' . $silent->sockport . ' }', timeout => '9s' ) . "}\n"
        . "\nldap last {\n" . $slapd->settings( snapshot => '0' ) . "}\n",
    domains => {
        'dir.example'  => { next_hop => $hop, recipients => ['# none'], directory => 'ldap staff' },
        'hole.example' => { next_hop => $hop, recipients => ['# none'], directory => 'ldap hole, ldap last' },
    }
);
$gateway->start;

sub answer {
    my ($address) = @_;
    my $smtp = $gateway->smtp;
    $smtp->hello;
    $smtp->command('MAIL FROM:<a@remote.example>');
    my ($code) = $smtp->command("RCPT TO:<$address>");
    $smtp->quit;
    return $code;
}

sub staff {
    my ($status) = $gateway->poterne_json( 'directory', 'status' );
    return ( grep { $_->{source} eq 'ldap staff' } @{ $status->{sources} } )[0];
}

# So many snapshots more have been read.
sub wait_for_snapshots {
    my ($n) = @_;
    my $log = length $gateway->log_text;
    return wait_until( 30, sub { $n <= ( () = substr( $gateway->log_text, $log ) =~ /ldap staff: \d+ addresses of/g ) } );
}

ok( wait_until( 30, sub { answer('p1@dir.example') == 250 } ), 'the snapshot serves' );
is( answer('nobody@dir.example'), 550, 'and says who is unknown' );
ok( !exists staff()->{held}, 'nothing is held' );

# --- a small loss ---

$slapd->remove( map { "u$_" } 1 .. 3 );
ok( wait_until( 30, sub { answer('p1@dir.example') == 550 } ), 'a few who are gone are gone' );

# --- a large one ---

my $log = length $gateway->log_text;
$slapd->remove( map { "u$_" } 4 .. 40 );
$slapd->add( $person->( 'new', 'mail: new@dir.example' ) );
ok( $gateway->wait_for_log( qr/ldap staff: .*serve on until \S+Z; .*`poterne directory accept staff`/, $log, 30 ), 'a large loss is told, with the way out' );
ok( wait_for_snapshots(3),           'other snapshots say the same' );
is( answer('p20@dir.example'), 250,  'who was lost serves on' );
is( answer('u20@dir.example'), 250,  'with the aliases' );
is( answer('p45@dir.example'), 250,  'and so do the others' );
is( answer('new@dir.example'), 250,  'who is new is taken up' );
is( answer('nobody@dir.example'), 550, 'and who was never there is unknown' );
my $held = staff()->{held};
cmp_ok( $held, '>', 0, '`directory status` tells it' );
ok( staff()->{held_until} > time, 'with its end' );
my ( $status, $text ) = $gateway->poterne( 'directory', 'status' );
is( $status, 1, 'and its exit status is 1' );
like( $text, qr/SHRUNK since .*it lost \d+ addresses, which serve on until \w/, 'in words' );
like( $text, qr/poterne directory accept staff/, 'that say what to do' );

$gateway->stop;
$gateway->start;
ok( wait_for_snapshots(2), 'after a restart' );
is( answer('p20@dir.example'), 250, 'they still serve' );
is( staff()->{held}, $held, 'and are held' );

# --- the manager's word ---

( $status, $text ) = $gateway->poterne( 'directory', 'accept', 'nobody' );
is( $status, 1, 'nothing is held of another directory' );
( $status, $text ) = $gateway->poterne( 'directory', 'accept', 'staff' );
is( $status, 0, 'a manager says that they are gone' );
like( $text, qr/^$held addresses are given up/, 'and is told how many' );
ok( wait_until( 30, sub { answer('p20@dir.example') == 550 } ), 'then they are' );
is( answer('p45@dir.example'), 250, 'and nobody else' );
ok( !exists staff()->{held}, 'nothing is held any more' );

# --- a source that is silent takes no time from the next ---

my ($test) = $gateway->poterne_json( 'directory', 'test', 'p45@hole.example' );
is( $test->{sources}[0]{result}, 'unavailable', 'a source that takes connections and never answers is not waited for' );
is( $test->{sources}[1]{result}, 'unknown', 'and the next one is asked' );
ok( wait_until( 30, sub { ( $status, $text ) = $gateway->poterne('directory'); $status == 1 } ), 'then it is away' );
like( $text, qr/^ldap hole.*\n\s+AWAY since .*: .*\n\s+who is in the cache is served for 7d/m, 'since when, and who is served' );
like( $text, qr/all others get 451/, 'and who is not' );

is( $gateway->stop, 0, 'the gateway stops as asked' );
$slapd->stop;
done_testing();
