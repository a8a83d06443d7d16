#!/usr/bin/perl
# A backup of a gateway that takes mail, holds some and learns meanwhile; and its way back onto an
# empty machine, where the same is held, known, judged and traced, and can be forgotten again.
use strict;
use warnings;

use Fcntl qw(LOCK_EX);
use File::Temp qw(tempdir);
use JSON::PP ();
use Test::More;
use lib 't/lib';
use Poterne::Gateway;
use Poterne::Mail qw(letter eicar);
use Poterne::Process qw(command_output wait_until start_process stop_process alive);

my $to = 'jean@backup.example';
my @mounted;

END {
    local $? = 0;
    command_output( 'umount', '-l', $_ ) for @mounted;
}
my $top = tempdir( 'poterne-backup-XXXXXX', TMPDIR => 1, CLEANUP => 1 );
chmod 0755, $top;
my $root = "$top/machine";
my $shelf = "$top/shelf";
my $gateway = Poterne::Gateway->new(
    root     => $root,
    settings => {
        ''          => { managers => "{ $to }" },
        backup    => { folder => qq("$shelf") },
        bayes     => { publish_delay => '1s', hold_out => 0, campaign_share => 0, day_share => 0, reporter_share => 0 },
        antivirus => { engines => '{ files, clamav }' },
    },
    domains => { 'backup.example' => { next_hop => Poterne::Gateway::maildir_hop($root), recipients => [$to] } }
);
# what the settings name beside them
Poterne::Gateway::write_file( "$root/answer.txt", "Thank you.\n" );
mkdir "$root/conf.d";
Poterne::Gateway::write_file( "$root/conf.d/answer.conf", qq(reports { answer = "$root/answer.txt" }\n) );
$gateway->start;

# --- something to keep ---

my $serial = 0;
srand 11;

sub words {
    my ( $class, $n ) = @_;
    return join ' ', map { $class . ( 'aa' .. 'hz' )[ rand 200 ] } 1 .. $n;
}

sub write_folder {
    my ( $name, $class, $n ) = @_;
    mkdir "$top/$name";
    for ( 1 .. $n ) {
        my $text = words( $class, 40 ) . ' serial' . ++$serial;
        $text =~ s/(.{60,}?) /$1\n/g;
        Poterne::Gateway::write_file( "$top/$name/$serial.eml", letter( $to, "letter $serial", "$text\n" ) );
    }
    return "$top/$name";
}

my ($status) = $gateway->poterne( 'learn', '--spam', write_folder( spam => 'bargain', 150 ) );
is( $status, 0, 'spam is learned' );
($status) = $gateway->poterne( 'learn', '--ham', write_folder( ham => 'seminar', 150 ) );
is( $status, 0, 'ham is learned' );

my $virus = eicar($to);
my $held = $gateway->send_one( from => 'a@remote.example', to => [$to], data => \$virus );
is( $held->{code}, 250, 'a virus is taken, and held' );
ok( wait_until( 30, sub { scalar $gateway->spooled('quarantine') } ), '… in quarantine' );
my ($virus_id) = $gateway->spooled('quarantine');

sub model_now {
    my ($serving) = grep { $_->{state} eq 'in service' } $gateway->poterne_json( 'model', 'list' );
    return $serving ? $serving->{number} : 0;
}
ok( wait_until( 60, sub { model_now() > 0 } ), 'a model serves' );

# --- a backup under load ---

# Mail, viruses and lessons go on until they are told to stop; all ids that got 250 are noted.
my $stop = "$top/stop";
my @load;
for my $kind (qw(mail virus lessons)) {
    my $pid = fork // die "fork: $!\n";
    if ( $pid == 0 ) {
        open my $log, '>', "$top/$kind.log";
        $log->autoflush;
        my $n = 0;
        while ( !-e $stop && $n < 5000 ) {
            $n++;
            if ( $kind eq 'lessons' ) {
                my $folder = write_folder( "lesson$n", $n % 2 ? 'bargain' : 'seminar', 5 );
                system "$gateway->{build}/poterne learn --config $gateway->{conf} "
                    . ( $n % 2 ? '--spam' : '--ham' ) . " $folder >/dev/null 2>&1";
                print $log "$n\n";
                next;
            }
            my $message = $kind eq 'virus' ? eicar($to) : letter( $to, "load $n", words( 'seminar', 30 ) . "\n" );
            my $result = eval { $gateway->send_one( from => 'a@remote.example', to => [$to], data => \$message ) };
            print $log "$1\n" if $result && $result->{code} == 250 && $result->{text} =~ /\b([0-9A-HJKMNP-TV-Z]{26})\b/;
        }
        require POSIX;
        POSIX::_exit(0);
    }
    push @load, $pid;
}

sub logged {
    my ($kind) = @_;
    my @ids;
    if ( open my $file, '<', "$top/$kind.log" ) {
        chomp( @ids = <$file> );
    }
    return @ids;
}
ok( wait_until( 60, sub { logged('mail') > 20 && logged('virus') > 5 && logged('lessons') > 1 } ), 'load comes in' );

my ( $backup_status, $said ) = $gateway->poterne('backup');
is( $backup_status, 0, 'a backup is made while mail goes on' ) or diag($said);
my ($first) = $said =~ /(\d{8}T\d{6}Z)/;
my $lessons_then = logged('lessons');
my @mail_then = logged('mail');
ok( wait_until( 60, sub { logged('mail') > @mail_then && logged('lessons') > $lessons_then } ), '… and after it, lessons too' );
( $status, $said ) = $gateway->poterne('backup');
is( $status, 0, 'another one' ) or diag($said);
my ($second) = $said =~ /(\d{8}T\d{6}Z)/;
Poterne::Gateway::write_file( $stop, '' );
waitpid $_, 0 for @load;

( $status, $said ) = $gateway->poterne( 'backup', 'verify' );
is( $status, 0, 'verify: whole' ) or diag($said);
is_deeply( [ map { $_->{generation} } $gateway->poterne_json( 'backup', 'list' ) ], [ $first, $second ], 'list has both' );
is( ( stat $shelf )[2] & 0777, 0700, 'the folder is for root alone' );

# What did not change is on disk once.
my ($key) = glob "$shelf/$second/files/state/signature.key";
ok( $key && ( stat $key )[3] == 2, 'an unchanged file has two names' );
is( ( stat $key )[2] & 0777, 0600, '… for its owner alone' );

# --- killed, at several moments ---

my $killed = 0;
for my $moment ( 0.002, 0.01, 0.03, 0.06, 0.1, 0.2 ) {
    my $pid = start_process( "$top/killed.log", "$gateway->{build}/poterne", 'backup', '--config', $gateway->{conf} );
    select undef, undef, undef, $moment;
    $killed += kill 'KILL', $pid if alive($pid);
    waitpid $pid, 0;
}
my @generations = $gateway->poterne_json( 'backup', 'list' );
ok( !grep( { !$_->{whole} } @generations ), "killed $killed times: no half generation is listed" );
for my $generation (@generations) {
    my ($sound) = $gateway->poterne_json( 'backup', 'verify', $generation->{generation} );
    ok( $sound->{whole}, "$generation->{generation} is whole" );
}
($status) = $gateway->poterne( 'learn', '--ham', write_folder( after => 'seminar', 3 ) );
is( $status, 0, 'the learner learns on after one that was killed' );

($status) = $gateway->poterne( 'backup', '--missed' );
is( $status, 1, 'none was missed today' );
($status) = $gateway->poterne( 'backup', '--missed', '--to', "$top/never" );
is( $status, 1, '… nor where there never was one' );
my $long_ago = "$top/shelf-of-long-ago";
mkdir $_ or die $! for $long_ago, "$long_ago/20260101T023000Z";
($status) = $gateway->poterne( 'backup', '--missed', '--to', $long_ago );
is( $status, 0, 'one that was missed is made' );
is( scalar( () = glob "$long_ago/20*Z/manifest" ), 1, '… and is there' );

# --- one that fails is told ---

( $status, $said ) = $gateway->poterne( 'backup', '--daily', '--to', '/proc/none/shelf' );
is( $status, 3, 'a backup that can not be made' );
my @told;
ok( wait_until( 30, sub { @told = grep { /^Subject: .*no backup was made/m } $gateway->maildir_messages($to) } ), '… is told to the managers' );
like( $told[0] // '', qr{/proc/none/shelf}, '… with what is wrong' );

# poterned serves on with the settings from before the mistake, and gives them along.
my $mistaken = "$top/mistaken.conf";
Poterne::Gateway::write_file( $mistaken, "backup { keep = many }\n" );
( $status, $said ) = command_output( "$gateway->{build}/poterne", 'backup', '--daily', '--config', $mistaken, '--serving', $gateway->{conf} );
is( $status, 3, 'nor one by settings that have a mistake' );
ok( wait_until( 30, sub { grep { /^Subject: .*no backup was made/m && /mistaken\.conf/ } $gateway->maildir_messages($to) } ), '… which they hear, too' );

# A learner that is stopped keeps it waiting, so that it is killed at work.
$gateway->signal_role( STOP => 'learner' );
my $daily = start_process( "$top/daily.log", "$gateway->{build}/poterne", 'backup', '--daily', '--config', $gateway->{conf} );
my @workers;
ok( wait_until( 30, sub { @workers = map { @$_ } values %{ Poterne::Gateway::processes_below($daily) } } ), 'a daily backup is at work' );
kill 'KILL', @workers if @workers;
ok( wait_until( 30, sub { !alive($daily) } ), '… and is killed' );
is( ( stop_process($daily) // 0 ) >> 8, 3, '… which its exit status says' );
$gateway->signal_role( CONT => 'learner' );
ok( wait_until( 60, sub { grep { /killed by signal 9/ } $gateway->maildir_messages($to) } ), '… and the managers hear of it' );

# --- what it was like ---

my ( undef, $judged_before ) = $gateway->poterne( 'check', '--no-antivirus', '--json', "$top/spam" );
my @last = $gateway->poterne_json('backup');
my $generation = $last[0]{generation};
ok( $generation, 'the generation that comes back' );
my %held_then = map { ( $_ => 1 ) } $gateway->spooled('quarantine');
my $model_then = model_now();

# --- an empty machine ---

( $status, $said ) = $gateway->poterne( 'restore', '--from', $shelf );
is( $status, 2, 'restore while the gateway runs' );
like( $said, qr/stop poterned/, '… says what to do' );
is( $gateway->stop, 0, 'the gateway stops' );
( $status, $said ) = $gateway->poterne( 'restore', '--from', $shelf );
is( $status, 2, 'restore over what is there' );
like( $said, qr/--force moves them aside/, '… is refused, and says how' );
{
    mkdir "$top/$_" for qw(older older-run);
    ( my $text = $gateway->conf_text ) =~ s{^(run_dir = ).*}{$1"$top/older-run"}m;
    Poterne::Gateway::write_file( "$top/older/poterne.conf", $text );
    open my $lock, '>', "$top/older-run/poterned.pid" or die "$!\n";
    flock $lock, LOCK_EX or die "$!\n";
    ( $status, $said ) =
        command_output( "$gateway->{build}/poterne", 'restore', '--config', "$top/older/poterne.conf", '--from', $shelf );
    is( $status, 2, 'restore while a gateway runs with the settings that it takes the place of' );
    like( $said, qr/stop poterned/, '… says what to do' );
}

{
    open my $state, '<', "$root/state" or die "$!\n";
    flock $state, LOCK_EX or die "$!\n";
    ( $status, $said ) = $gateway->poterne( 'restore', '--force', '--from', $shelf );
    is( $status, 2, 'restore while processes of a poterned that was killed have the state' );
    like( $said, qr/belongs to processes of another poterned/, '… says why' );
}

rename $root, "$top/lost" or die;
mkdir $root;
Poterne::Gateway::maildir_hop($root);

sub restore {
    my (@more) = @_;
    return command_output( "$gateway->{build}/poterne", 'restore', '--config', $gateway->{conf},
        '--from', $shelf, @more );
}
( $status, $said ) = restore($generation);
is( $status, 0, 'restored onto an empty machine' ) or diag($said);
like( $said, qr/^\Q$generation\E, begun at .*, \d+ hours ago$/m, '… which says of when it is' );
ok( -e "$root/run/poterned.pid", '… and let no gateway start meanwhile' );
ok( -e "$root/$_", "$_ is back" ) for qw(poterne.conf conf.d/answer.conf answer.txt recipients-backup.example state/signature.key);
$gateway->start;
pass('the gateway starts');
( $status, $said ) = $gateway->poterne('audit');
is( $status, 0, 'all that came while the backup was made adds up' ) or diag($said);

is_deeply( { map { ( $_ => 1 ) } $gateway->spooled('quarantine') }, \%held_then, 'the same is held' );
is( model_now(), $model_then, 'the same model serves' );
my ( undef, $judged_after ) = $gateway->poterne( 'check', '--no-antivirus', '--json', "$top/spam" );
is( $judged_after, $judged_before, 'the same verdicts' );

my ( undef, $trace ) = $gateway->poterne( 'trace', ( logged('mail') )[0] );
like( $trace, qr/delivered/, 'old mail is found' );
( undef, $trace ) = $gateway->poterne( 'trace', $virus_id );
like( $trace, qr/\Q$to\E/, '… and what is held' );
my @in_list = $gateway->poterne_json( 'quarantine', 'list', '--limit', 10000 );
is( scalar @in_list, scalar keys %held_then, 'quarantine lists all of it' );

( $status, $said ) = $gateway->poterne( 'quarantine', 'release', '--no-scan', '--force', $virus_id );
is( $status, 0, 'what is held can be released' ) or diag($said);
ok( wait_until( 30, sub { grep { /eicar\.com/ } $gateway->maildir_messages($to) } ), '… and is delivered' );

( $status, $said ) = $gateway->poterne( 'learn', '--forget', "$top/spam" );
is( $status, 0, 'the ledger can take back' ) or diag($said);
like( $said, qr/150/, '… all of it' ) or diag($said);
my $message = letter( $to, 'afterwards', "new mail\n" );
is( $gateway->send_one( from => 'a@remote.example', to => [$to], data => \$message )->{code}, 250, 'new mail is taken' );
ok( wait_until( 30, sub { grep { /^Subject:.*afterwards/m } $gateway->maildir_messages($to) } ), '… and delivered' );
is( $gateway->stop, 0, 'the gateway stops' );

# --- one part alone, over what is there ---

( $status, $said ) = restore( $first, '--only', 'ledger', '--force' );
is( $status, 0, 'the ledger of another day alone' ) or diag($said);
is( scalar( () = glob "$root/state/bayes.before-*" ), 1, '… and what was there is kept' );
$gateway->start;
is( $gateway->stop, 0, 'the gateway starts with it, and stops' );

# --- what is damaged is not restored ---

my ($victim) = glob "$shelf/$generation/files/state/quarantine/*";
open my $file, '+<', $victim or die "$victim: $!\n";
seek $file, 100, 0;
print $file 'X' x 8;
close $file;
( $status, $said ) = $gateway->poterne( 'backup', 'verify', $generation );
is( $status, 1, 'verify sees a damaged file' );
like( $said, qr/damaged/, '… and says so' );
( $status, $said ) = restore( $generation, '--force' );
is( $status, 2, '… which is not restored' );
like( $said, qr/pieces are damaged, nothing is restored/, '… as it says' );
my ($good) = $gateway->poterne_json('backup');
my ($sound) = $gateway->poterne_json( 'backup', 'verify', $good->{generation} );
ok( $sound->{whole}, 'and the next backup does not share it' );

# --- thirty days ---

( my $day = $good->{generation} ) =~ s/T.*//;
for my $back ( 1 .. 40 ) {
    my @t = gmtime( time - 86400 * ( $back + 3 ) );
    my $name = sprintf '%04d%02d%02dT023000Z', $t[5] + 1900, $t[4] + 1, $t[3];
    system 'cp', '-al', "$shelf/$good->{generation}", "$shelf/$name";
}
my ($made) = $gateway->poterne_json('backup');
my %days = map { ( substr( $_->{generation}, 0, 8 ) => 1 ) } $gateway->poterne_json( 'backup', 'list' );
is( scalar keys %days, 30, 'thirty days are kept' );
ok( $days{ substr $made->{generation}, 0, 8 }, '… the newest among them' );

# --- a full disk ---

SKIP: {
    skip 'only root can mount a small disk', 4 if $> != 0;
    mkdir "$top/small";
    skip 'no small disk can be mounted here', 4
        if system "mount -t tmpfs -o size=12m tmpfs $top/small 2>/dev/null";
    push @mounted, "$top/small";
    my @here = ( $gateway->{conf}, '--to', "$top/small/shelf" );
    ( $status, $said ) = command_output( "$gateway->{build}/poterne", 'backup', '--config', @here );
    is( $status, 2, 'a full disk' );
    like( $said, qr/full/, '… is said' );
    opendir my $handle, "$top/small/shelf";
    is_deeply( [ grep { !/^(?:\.\.?|lock)$/ } readdir $handle ], [], '… and nothing is left of it' );
    closedir $handle;
    my ($still) = $gateway->poterne_json( 'backup', 'verify', $made->{generation} );
    ok( $still->{whole}, 'those elsewhere are as they were' );
}

done_testing();
