#!/usr/bin/perl
# The quarantine beside a running gateway: found, shown, refused to be released, released once and
# marked, to another address, exported, expired; its index lost and behind.
use strict;
use warnings;

use File::Temp qw(tempdir);
use POSIX ();
use Test::More;
use Time::HiRes qw(sleep);
use lib 't/lib';
use Poterne::Gateway;
use Poterne::Mail qw(eicar);
use Poterne::Process qw(command_output wait_until);
use Poterne::Tree qw(slurp);

my ( $jean, $claire, $desk ) = map { "$_\@vault.example" } qw(jean claire desk);
my $root = tempdir( 'poterne-quarantine-XXXXXX', TMPDIR => 1, CLEANUP => 1 );
chmod 0755, $root;
my $gateway = Poterne::Gateway->new(
    root     => $root,
    settings => { quarantine => { export_password => 'beware' } },
    domains  => {
        'vault.example' =>
            { next_hop => Poterne::Gateway::maildir_hop($root), recipients => [ $jean, $claire, $desk ] }
    }
)->start;
my $index = "$root/state/quarantine/index.sqlite";

my %sent;

sub send_infected {
    my ( $from, @to ) = @_;
    my $mail = eicar( $to[0] );
    my $result = $gateway->send_one( from => $from, to => \@to, data => \$mail );
    my ($id) = ( $result->{text} // '' ) =~ /\b([0-9A-Z]{26})\b/ or die "not taken: $result->{text}\n";
    $sent{$id} = $mail =~ s/\n/\r\n/gr;
    return $id;
}

sub listed {
    return map { $_->{id} } $gateway->poterne_json( 'quarantine', 'list', @_ );
}

sub state_of {
    my ( $id, $address ) = @_;
    my ($story) = $gateway->poterne_json( 'trace', $id );
    my ($recipient) = grep { $_->{address} eq $address } @{ $story->{recipients} };
    return $recipient->{state} // '';
}

# --- list ---

my @ids = map { send_infected( "v$_\@remote.example", $jean, $claire ) } 1 .. 4;
is_deeply( [ listed() ], [ reverse @ids ], 'the newest first' );
my ($held) = $gateway->poterne_json( 'quarantine', 'list', '--limit', 1 );
is( $held->{class}, 'virus', 'with its class' );
is( $held->{engine}, 'clamav', 'the engine' );
like( $held->{signature}, qr/eicar/i, 'the signature' );
is_deeply( [ map { $_->{state} } @{ $held->{recipients} } ], [ 'held', 'held' ], 'and who it is held for' );
is_deeply( [ listed( '--sender', 'V2@remote.example' ) ], [ $ids[1] ], 'by sender' );
is_deeply( [ listed( '--sender', '*@remote.example', '--limit', 2 ) ], [ @ids[ 3, 2 ] ], 'by a pattern' );
is( scalar listed( '--recipient', $claire, '--virus', 'eicar', '--engine', 'clamav', '--reason', 'virus' ), 4, 'by more' );
is( scalar listed( '--recipient', $desk ), 0, 'nothing for somebody else' );
is( scalar listed( '--reason', 'banned' ), 0, 'nor of another class' );
is( scalar listed( '--since', '1h' ), 4, 'since an hour' );
is( scalar listed( '--until', '1h' ), 0, 'before it' );
my ( $status, $said ) = $gateway->poterne( 'quarantine', '--limit', 2 );
like( $said, qr/^2 shown, there are more.*\n4 messages in quarantine: 4 virus$/m, 'that there are more is said' );
my ($counts) = $gateway->poterne_json( 'quarantine', 'count' );
is_deeply( [ $counts->{held}, @{ $counts->{classes} }{qw(virus banned)} ], [ 4, 4, 0 ], 'how many, by class' );
like( ( $gateway->poterne( 'quarantine', 'count' ) )[1], qr/^4 messages in quarantine: 4 virus$/, 'the same in words' );
( $status, $said ) = $gateway->poterne( 'quarantine', 'list', '--force' );
is( $status, 2, 'an option of another command is refused' );

my $prefix = substr $ids[0], 0, 25;
( $status, $said ) = $gateway->poterne( 'quarantine', 'show', lc $prefix );
like( $said, qr/\b$ids[0]\b.*eicar\.com/s, 'the beginning of an id is enough' );
unlike( $said, qr/EICAR-STANDARD/, 'what is shown has nothing of the payload' );
( $status, $said ) = $gateway->poterne( 'quarantine', 'show', substr $ids[0], 0, 4 );
is( $status, 2, 'where several messages have it, it is not' );
like( $said, qr/4 messages in quarantine have an id that begins with/, 'and that is said' );

ok( wait_until( 10, sub { -s $index } ), 'there is an index' );
unlink glob "$index*";
is_deeply( [ listed() ], [ reverse @ids ], 'without it the files are read' );
Poterne::Gateway::write_file( $index, 'no database' x 1000 );
is_deeply( [ listed() ], [ reverse @ids ], 'with a damaged one, too' );
my $from = length $gateway->log_text;
$gateway->signal_role( 'KILL', 'delivery' );
$gateway->wait_for_log( qr/ready: every process/, $from );
ok( wait_until( 20, sub { -s $index && substr( slurp($index), 0, 6 ) eq 'SQLite' } ), 'delivery makes it anew' );
is_deeply( [ listed() ], [ reverse @ids ], 'and it says the same' );

# --- release ---

( $status, $said ) = $gateway->poterne( 'quarantine', 'release', $ids[0] );
is( $status, 2, 'what is infected still is not released' );
like( $said, qr/clamav says today: infected.*--force/, 'the engine and the way are named' );
is( scalar listed(), 4, 'it is held' );
( $status, $said ) = $gateway->poterne( 'quarantine', 'release', '--force', '--recipient', $claire, $ids[0] );
is( $status, 0, 'forced, for one' ) or diag($said);
ok( wait_until( 15, sub { $gateway->maildir_messages($claire) } ), 'it is delivered' );
my ($came) = $gateway->maildir_messages($claire);
like( $came, qr/^X-Poterne-Released: \d{4}-\d\d-\d\dT[\d:]+Z;\n\tit was held: infected: .*eicar/mi, 'and marked' );
is( scalar $gateway->maildir_messages($jean), 0, 'the other has nothing' );
ok( wait_until( 10, sub { grep { $_ eq $ids[0] } listed() } ), 'for whom it is held again' );
like( ( $gateway->poterne( 'trace', $ids[0] ) )[1], qr/released .*by \S+; forced, scanned again: .*eicar/is, 'the journal knows by whom' );
( $status, $said ) = $gateway->poterne( 'quarantine', 'release', '--force', '--recipient', $claire, $ids[0] );
is( $status, 2, 'nobody gets it twice' );
like( $said, qr/not held, it was delivered/, 'and that is said' );

( $status, $said ) = $gateway->poterne( 'quarantine', 'release', '--no-scan', '--to', $desk, $ids[1] );
is( $status, 0, 'to another address' ) or diag($said);
ok( wait_until( 15, sub { $gateway->maildir_messages($desk) } ), 'it is delivered there' );
ok( wait_until( 10, sub { grep { $_ eq $ids[1] } listed() } ), 'and held for the others' );
ok( wait_until( 10, sub { state_of( $ids[1], $desk ) eq 'delivered' } ), 'the journal has the new recipient' );
is( state_of( $ids[1], $jean ), 'held', 'and the others' );
( $status, $said ) = $gateway->poterne( 'quarantine', 'release', '--no-scan', '--to', $desk, $ids[1] );
is( $status, 2, 'once' );
for my $wrong ( 'desk@elsewhere.example', 'no address', "a\@vault.example>\nRCPT TO:<b\@vault.example" ) {
    ( $status, $said ) = $gateway->poterne( 'quarantine', 'release', '--no-scan', '--to', $wrong, $ids[1] );
    is( $status, 2, 'not to what mail is not delivered to' );
}
is( scalar $gateway->maildir_messages($desk), 1, 'one copy came' );

# --- export ---

( $status, $said ) = $gateway->poterne( 'quarantine', 'export', $ids[2], "$root/sample.zip" );
is( $status, 0, 'export' ) or diag($said);
is( ( stat "$root/sample.zip" )[2] & 0777, 0600, 'nobody else reads it' );
unlike( slurp("$root/sample.zip"), qr/EICAR-STANDARD/, 'nothing of it stands there openly' );
( $status, $said ) = $gateway->poterne( 'quarantine', 'export', $ids[2], "$root/sample.zip" );
is( $status, 2, 'a file that is there stays' );
SKIP: {
    skip 'no 7z', 3 if system('command -v 7z >/dev/null') != 0;
    ( $status, $said ) = command_output( '7z', 'x', '-y', '-pinfected', "-o$root/wrong", "$root/sample.zip" );
    isnt( $status, 0, 'another password does not open it' );
    ( $status, $said ) = command_output( '7z', 'x', '-y', '-pbeware', "-o$root/opened", "$root/sample.zip" );
    is( $status, 0, 'the password of the settings does' ) or diag($said);
    is( slurp("$root/opened/$ids[2].eml"), $sent{ $ids[2] }, 'byte for byte as it came' );
}

# --- delivery is killed again and again while messages are released, to one after the other ---

sub kill_delivery_meanwhile {
    my ($work) = @_;
    my $child = fork // die "fork: $!\n";
    if ( !$child ) {
        for ( 1 .. 12 ) {
            $gateway->signal_role( 'KILL', 'delivery' );
            sleep 0.4;
        }
        POSIX::_exit(0);
    }
    $work->();
    waitpid $child, 0;
    return;
}

sub until_done {
    my (@command) = @_;
    return wait_until( 60, sub {
        my ( $status, $said ) = $gateway->poterne( 'quarantine', @command );
        $status == 0 || $said =~ /is not held|is not in quarantine|nobody's copy/;
    } );
}

my $before = $gateway->maildir_messages($jean);
my @many = map { send_infected( "k$_\@remote.example", $jean, $claire ) } 1 .. 12;
my $from_claire = $gateway->maildir_messages($claire);
kill_delivery_meanwhile( sub {
    until_done( 'release', '--no-scan', '--recipient', $jean, $_ ) for @many;
    until_done( 'release', '--no-scan', '--to', $desk, $_ ) for @many;
} );
ok( wait_until( 60, sub { !$gateway->spooled('queue') } ), 'the queue gets empty' );
# a command whose answer was lost is given again
until_done( 'release', '--no-scan', '--recipient', $jean, $_ ) for @many;
until_done( 'release', '--no-scan', '--to', $desk, $_ ) for @many;
ok( wait_until( 60, sub { !$gateway->spooled('queue') } ), 'and again' );
is( $gateway->maildir_messages($jean) - $before, 12, 'each came once to its recipient' );
is( $gateway->maildir_messages($desk) - 1, 12, 'each came once to another address' );
is( scalar $gateway->maildir_messages($claire), $from_claire, 'nothing to whom it is held for' );
ok( wait_until( 30, sub { listed( '--limit', 100 ) == 16 } ), 'and the list has them all' );
kill_delivery_meanwhile( sub { until_done( 'delete', $_ ) for @many } );
ok( wait_until( 60, sub { listed( '--limit', 100 ) == 4 } ), 'deleted while it is killed: they are gone' );
is( scalar( grep { state_of( $_, $claire ) ne 'deleted' } @many ), 0, 'and the journal knows of each' );

# --- expire ---

( $status, $said ) = $gateway->poterne( 'quarantine', 'expire', '--dry-run' );
like( $said, qr/^0 match$/m, 'nothing is old enough' );
$gateway->poterne( 'quarantine', 'expire' );
is( scalar listed(), 4, 'nothing goes' );
$gateway->{settings}{quarantine}{keep_virus} = '1s';
$gateway->write_conf;
ok( $gateway->reload, 'kept for a second only' );
( $status, $said ) = $gateway->poterne( 'quarantine', 'expire', '--dry-run' );
like( $said, qr/^4 match$/m, 'all are too old' );
is( scalar listed(), 4, 'saying so removes nothing' );
( $status, $said ) = $gateway->poterne( 'quarantine', 'expire' );
is( $status, 0, 'expire' ) or diag($said);
ok( wait_until( 20, sub { !$gateway->spooled('quarantine') } ), 'they are gone' );
is( scalar listed(), 0, 'from the list, too' );
is( state_of( $ids[3], $jean ), 'deleted', 'the journal knows' );
like( ( $gateway->poterne( 'trace', $ids[3] ) )[1], qr/deleted .*expired: held as virus for longer than 1 seconds/, 'and why' );
is( state_of( $ids[0], $claire ), 'delivered', 'what was released stays so' );

is( $gateway->stop, 0, 'the gateway stops as asked' );
done_testing();
