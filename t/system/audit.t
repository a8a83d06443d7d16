#!/usr/bin/perl
# poterne audit: mail of every fate adds up; whatever is then done to journal or spool by hand is found, each
# as what it is and nothing else; and under load, and after everything was killed at once, it adds up.
use strict;
use warnings;

use File::Temp qw(tempdir);
use Test::More;
use Time::HiRes qw(sleep);
use lib 't/lib';
use Poterne::Gateway;
use Poterne::Load;
use Poterne::Mail qw(eicar letter);
use Poterne::Process qw(command_output wait_until);
use Poterne::Sink;

my $root = tempdir( 'poterne-audit-XXXXXX', TMPDIR => 1, CLEANUP => 1 );
chmod 0755, $root;
my $sink    = Poterne::Sink->start( root => "$root/sink" );
my $beyond  = Poterne::Sink->start( root => "$root/beyond", smtp => 1 );
my $state   = "$root/gateway/state";
my @people  = qw(jean claire never later-99 load);
my $gateway = Poterne::Gateway->new(
    root     => "$root/gateway",
    settings => {
        gate       => { inside => '{ 127.0.0.9 }' },
        outside    => { next_hop => qq("smtp://127.0.0.1:$beyond->{port}") },
        journal    => { audit => 'no' },
        quarantine => { keep_originals => '1d' },
        queue      => { free_space_min => '0' },
        resolver   => { enabled => 'no' },
    },
    domains => {
        'audit.example' => {
            next_hop   => "lmtp://127.0.0.1:$sink->{port}",
            recipients => [ ( map { "$_\@audit.example" } @people ), 'away@audit.example -> there@lab.example' ],
            more       => 'redirect_only_to = { lab.example }'
        }
    }
)->start;

sub post {
    my ( $to, %mail ) = @_;
    my $smtp = $gateway->smtp( local => '127.0.0.9' );
    my $result = $smtp->send(
        from => $mail{from} // 'claire@audit.example',
        to   => [ map { "$_\@audit.example" } ref $to ? @$to : $to ],
        data => \( $mail{text} // letter("claire\@audit.example") )
    );
    $smtp->quit;
    my ($id) = ( $result->{text} // '' ) =~ /\b([0-9A-Z]{26})\b/ or die "not taken: $result->{text}\n";
    return $id;
}

# (status, findings, summary)
sub audit {
    my @options = @_;
    my ($status) = $gateway->poterne( 'audit', '--quiet', @options );
    my @lines = $gateway->poterne_json( 'audit', @options );
    my ($summary) = grep { $_->{classes} } @lines;
    return ( $status, [ grep { $_->{finding} } @lines ], $summary );
}

sub shown {
    my ($findings) = @_;
    return [ map { "$_->{finding} $_->{id}" . ( $_->{recipient} ? " $_->{recipient}" : '' ) } @$findings ];
}

sub states_of {
    my ($id) = @_;
    my ($story) = $gateway->poterne_json( 'trace', $id );
    return join ' ', map { $_->{state} } @{ $story->{recipients} // [] };
}

sub wait_for_state {
    my ( $id, $wanted, $what ) = @_;
    ok( wait_until( 60, sub { states_of($id) eq $wanted } ), $what ) or diag( states_of($id) );
    return;
}

# --- mail of every fate ---

my %id;
$id{delivered}  = post( [qw(jean claire)] );
$id{bounced}    = post('never');
$id{deferred}   = post('later-99');
$id{redirected} = post('away');
$id{held}       = post( 'jean', text => eicar('jean@audit.example') );
$id{deleted}    = post( 'jean', text => eicar('jean@audit.example') );
$id{released}   = post( 'jean', text => eicar('jean@audit.example') );
wait_for_state( $id{delivered},  'delivered delivered',  'delivered' );
wait_for_state( $id{bounced},    'failed',               'bounced' );
wait_for_state( $id{deferred},   'deferred',             'deferred' );
wait_for_state( $id{redirected}, 'redirected delivered', 'redirected' );
wait_for_state( $id{$_}, 'held', "held: $_" ) for qw(held deleted released);
$gateway->poterne( 'quarantine', 'delete', $id{deleted} );
$gateway->poterne( 'quarantine', 'release', '--no-scan', $id{released} );
wait_for_state( $id{deleted},  'deleted',   'deleted' );
wait_for_state( $id{released}, 'delivered', 'released, then delivered' );

ok( wait_until( 60, sub { $gateway->spooled('queue') == 1 } ), 'the bounce has gone, too' );

my ( $status, $findings, $summary ) = audit();
is( $status, 0, 'all of it adds up' );
is_deeply( shown($findings), [], 'nothing is found' );
my %classes = %{ $summary->{classes} };
is( $classes{delivered}, 5, 'delivered: two, the copy, the released one, the bounce' );
is_deeply( { map { $_ => $classes{$_} } qw(bounced owed redirected held deleted failed expired lost aside) },
    { bounced => 1, owed => 1, redirected => 1, held => 1, deleted => 1, failed => 0, expired => 0, lost => 0, aside => 0 },
    'each in its class' );
is( $summary->{messages}, 8, 'eight messages with the bounce' );
is( $summary->{unrecorded}, 0, 'of those that wait each has its acceptance' );
like( ( $gateway->poterne('audit') )[1], qr/everything adds up/, 'in words' );

# A file that vanishes between the 250 and delivery, which never heard of it.
$gateway->signal_role( STOP => 'delivery' );
my $unseen = post( [qw(jean claire)] );
is( states_of($unseen), '', 'delivery has not heard of it' );
ok( wait_until( 60, sub { my $got = ( audit() )[2]; $got->{unrecorded} == 0 && $got->{classes}{owed} == 3 } ), 'owed, and known to be accepted' );
unlink "$state/queue/$unseen" or die "$!\n";
$gateway->signal_role( CONT => 'delivery' );
( $status, $findings ) = audit();
is( $status, 1, 'a file that vanished before delivery saw it' );
is_deeply( shown($findings), [ map { "lost $unseen $_\@audit.example" } qw(jean claire) ], '… is missed, for each recipient' );
like( $findings->[0]{found}, qr/from claire\@audit\.example, never heard of again, and no file/, '… with what is known of it' );
is( ( audit( '--since', '0', '--quick' ) )[0], 2, 'an age that is none' );
is_deeply( shown( ( audit( '--until', '2020-01-01' ) )[1] ), [], 'what came later is not looked at' );
is( ( audit('--quick') )[0], 1, 'quick finds it, too' );
sub sql { my ($sql) = @_; my ( $rc, $out ) = command_output( 'sqlite3', '-cmd', '.timeout 20000', "$state/journal/journal.sqlite", $sql ); die "$sql: $out" if $rc; chomp $out; return $out }

# Somebody has seen to it: it counts no more, and what else comes of it would.
is( ( $gateway->poterne( 'audit', 'close', $unseen ) )[0], 2, 'nobody closes it without a word' );
is( ( $gateway->poterne( 'audit', 'close', '01KR2M3N4P5Q6R7S8T9V0WXYZA', '--why', 'x' ) )[0], 1, 'nor what adds up' );
my ( $closed, $words ) = $gateway->poterne( 'audit', 'close', $unseen, '--why', 'asked her to send it again' );
is( $closed, 0,                            'it is closed' );
is( $words,  "closed: lost  $unseen\n", 'as is said' );
( $status, $findings, $summary ) = audit();
is( $status, 0, 'and counts no more' );
is( $summary->{closed}, 2, '… but among the closed, for each recipient' );
( undef, $findings ) = audit('--all');
is_deeply( shown($findings), [ map { "lost $unseen $_\@audit.example" } qw(jean claire) ], 'which --all shows' );
like( $findings->[0]{closed}, qr/^by \w+: asked her to send it again$/, '… with who and why' );
is( ( $gateway->poterne( 'audit', 'reopen', $unseen ) )[0], 0, 'taken back' );
is( ( audit() )[0], 1, '… it counts again' );
is( ( $gateway->poterne( 'audit', 'reopen', $unseen ) )[0], 1, '… once' );
sql("DELETE FROM accepted WHERE id = '$unseen'");

# --- under load, and killed ---

my $load = Poterne::Load->start( port => $gateway->{port}, to => 'load@audit.example', sessions => 4, pause => 0 );
for my $round ( 1 .. 5 ) {
    ( $status, $findings ) = audit();
    is( $status, 0, "under load, round $round" ) or diag( explain($findings) );
}
$gateway->crash;
$load->stop;
$gateway->start;
( $status, $findings ) = audit();
is( $status, 0, 'at once after everything was killed' ) or diag( explain($findings) );
ok( wait_until( 90, sub { $gateway->spooled('queue') <= 1 } ), 'what was owed goes' );
( $status, $findings, $summary ) = audit();
is( $status, 0, 'and when it is delivered' ) or diag( explain($findings) );
cmp_ok( $summary->{classes}{delivered}, '>', 20, 'the load among it' );

# --- by itself, and for monitoring ---

$gateway->{settings}{journal}{audit} = 'yes';
$gateway->write_conf;
ok( $gateway->reload, 'once a day' );
my $daily_log = sub { grep { /reports\[\d+\] \w+: audit: / } split /^/, $gateway->log_text };
ok( wait_until( 90, sub { $daily_log->() } ), 'the gateway audits itself' );
like( ( $daily_log->() )[-1], qr/audit: everything adds up/, '… and says how it went' );

# { name with labels => value } of `poterne metrics`
sub metrics {
    my ( $rc, $text ) = $gateway->poterne('metrics');
    is( $rc, 0, 'metrics' ) or diag($text);
    like( $text, qr/^# EOF\n\z/m, '… to its end' );
    my @odd = grep { !/^(?:# (?:TYPE|HELP|EOF)|poterne_[a-z_]+(?:\{[a-z]+="[a-z_]+"\})? [0-9.]+$)/ } split /\n/, $text;
    is_deeply( \@odd, [], '… and every line is one of the format' );
    return map { /^(poterne_\S+) ([0-9.]+)$/ ? ( $1 => $2 ) : () } split /\n/, $text;
}
my %metric = metrics();
cmp_ok( $metric{poterne_audit_time_seconds}, '>', time - 600, 'when it was' );
is( $metric{poterne_audit_done}, 1, 'it was done' );
is( $metric{'poterne_audit_findings{kind="lost"}'}, 0, 'nothing lost' );
cmp_ok( $metric{'poterne_audit_recipients{class="delivered"}'}, '>', 20, 'how many were delivered' );
is( $metric{'poterne_spool_messages{folder="queue"}'}, 1, 'what waits' );
is( $metric{'poterne_open_recipients{state="held"}'}, 1, 'what is held' );

# --- expired ---

$gateway->{settings}{quarantine}{keep_virus} = '1s';
$gateway->write_conf;
ok( $gateway->reload, 'a short life in quarantine' );
my $expiring = $id{held};
$gateway->poterne( 'quarantine', 'expire' );
wait_for_state( $expiring, 'deleted', 'expired' );
delete $gateway->{settings}{quarantine}{keep_virus};
$gateway->write_conf;
ok( $gateway->reload, 'a long one' );
$id{held} = post( 'jean', text => eicar('jean@audit.example') );
wait_for_state( $id{held}, 'held', 'held again' );
( $status, $findings, $summary ) = audit();
is( $status, 0, 'it adds up' ) or diag( explain($findings) );
is( $summary->{classes}{expired}, 1, 'expired is a class of its own' );

# --- sabotage: each on a copy of a state that adds up ---

is( $gateway->stop, 0, 'stopped' );
is( ( audit() )[0], 0, 'a stopped gateway adds up as well' );
system( 'cp', '-a', $state, "$state.clean" ) == 0 or die "cp failed\n";
my ($bounce) = sql("SELECT detail FROM outcome WHERE id = '$id{bounced}' AND state = 6") =~ /told by ([0-9A-Z]{26})/;
ok( $bounce, 'the journal names the bounce' );
my $kept = ( grep { $_ eq $id{delivered} } $gateway->spooled('kept') )[0];
ok( $kept, 'what was delivered is kept' );

my ( $d, $b, $q, $h, $x ) = @id{qw(delivered bounced deferred held deleted)};
# The next one, at a start since the last was long ago, finds what was done meanwhile.
sql('UPDATE audit SET time_us = time_us - 100000000000');
unlink "$state/quarantine/$h" or die "$!\n";
my $from = length $gateway->log_text;
$gateway->start;
ok( $gateway->wait_for_log( qr/audit: held_gone $h <jean\@audit\.example>: /, $from, 90 ), 'the daily audit finds it, and says so' );
ok( wait_until( 30, sub { sql('SELECT count(*) FROM audit') == 2 } ), 'it is in the journal' );
%metric = metrics();
is( $metric{'poterne_audit_findings{kind="held_gone"}'}, 1, 'and a metric' );
is( $gateway->stop, 0, 'stopped again' );
sql(q{UPDATE audit SET failure = 'the disk', summary = '{}'});
%metric = metrics();
is( $metric{poterne_audit_done}, 0, 'an audit that could not be done' );
is( $metric{'poterne_audit_findings{kind="lost"}'}, undef, '… has found nothing, not even that there is nothing' );

my %sabotage = (
    lost          => [ "lost $q later-99\@audit.example",         sub { unlink "$state/queue/$q" } ],
    held_gone     => [ "held_gone $h jean\@audit.example",        sub { unlink "$state/quarantine/$h" } ],
    twice         => [ "twice $d jean\@audit.example",            sub { sql("INSERT INTO outcome SELECT id, idx, time_us + 1, state, relay, detail FROM outcome WHERE id = '$d' AND idx = 0 AND state = 2") } ],
    contradiction => [ "contradiction $d claire\@audit.example",  sub { sql("INSERT INTO outcome SELECT id, idx, time_us - 1, 6, relay, 'its sender asked not to be told (NOTIFY): 550' FROM outcome WHERE id = '$d' AND idx = 1 AND state = 2") } ],
    told_twice    => [ "told_twice $b never\@audit.example",      sub { sql("INSERT INTO outcome SELECT id, idx, time_us - 1, 6, relay, 'its sender is told by $d: 550' FROM outcome WHERE id = '$b' AND state = 6") } ],
    no_answer     => [ "no_answer $d jean\@audit.example",        sub { sql("UPDATE outcome SET detail = '' WHERE id = '$d' AND idx = 0") } ],
    no_record     => [ "no_record $d jean\@audit.example",        sub { sql("DELETE FROM outcome WHERE id = '$d' AND idx = 0") } ],
    untold        => [ "untold $b never\@audit.example",          sub { sql("UPDATE outcome SET detail = '550 no' WHERE id = '$b' AND state = 6") } ],
    bounce_gone   => [ "bounce_gone $b never\@audit.example",     sub { sql("DELETE FROM $_ WHERE id = '$bounce'") for qw(message recipient outcome); unlink "$state/kept/$bounce" } ],
    by_nobody     => [ "by_nobody $x jean\@audit.example",        sub { sql("UPDATE outcome SET detail = '' WHERE id = '$x' AND state = 5") } ],
    no_copy       => [ "no_copy $x",                              sub { sql("UPDATE recipient SET state = 7 WHERE id = '$x'; UPDATE outcome SET state = 7 WHERE id = '$x' AND state = 5") } ],
    owes_again    => [ "owes_again $q later-99\@audit.example",   sub { sql("UPDATE recipient SET state = 2 WHERE id = '$q'; INSERT INTO outcome VALUES ('$q', 0, 1, 2, 'somewhere', '250 ok')") } ],
    differs       => [ "differs $q later-99\@audit.example",      sub { sql("UPDATE accepted SET recipients = 'somebody\@else.example' WHERE id = '$q'") } ],
    two_files     => [ "two_files $q",                            sub { system( 'cp', '-a', "$state/queue/$q", "$state/quarantine/$q" ) } ],
    unreadable    => [ "unreadable $q",                           sub { truncate( "$state/queue/$q", 70 ) or die "$!\n" } ],
    set_aside     => [ "set_aside $q",                            sub { rename( "$state/queue/$q", "$state/corrupt/$q.1" ) or die "$!\n" } ],
    unsaid        => [ "unsaid $d",                               sub { system( 'cp', "$state/kept/$d", "$state/corrupt/$d.unsaid" ) } ],
    journal       => [ 'journal journal.sqlite.damaged-1792000000', sub { system( 'cp', "$state/journal/journal.sqlite", "$state/journal/journal.sqlite.damaged-1792000000$_" ) for '', '-shm' } ],
    left_over     => [ "left_over $d",                            sub { rename( "$state/kept/$d", "$state/queue/$d" ) or die "$!\n"; utime( time - 7200, time - 7200, "$state/queue/$d" ) } ],
    stale         => [ "stale $d",                                sub { system( 'cp', "$state/kept/$d", "$state/incoming/$d" ); utime( time - 2 * 86400, time - 2 * 86400, "$state/incoming/$d" ) } ],
);
for my $kind ( sort keys %sabotage ) {
    my ( $wanted, $harm ) = @{ $sabotage{$kind} };
    system( 'rm', '-rf', $state ) == 0 && system( 'cp', '-a', "$state.clean", $state ) == 0 or die "cp failed\n";
    $harm->();
    ( $status, $findings, $summary ) = audit();
    is( $status, 1, "$kind is found" );
    is_deeply( shown($findings), [$wanted], '… and nothing else' );
    is( $summary->{findings}{$kind}, 1, '… and counted' );
    ok( $findings->[0]{$_}, "… it says: $_" ) for qw(expected found next);
}

# Both, in words; and what can't be done.
my ( undef, $said ) = $gateway->poterne('audit');
like( $said, qr/^untold  \Q$b\E  <never\@audit\.example>\n  expected    .+\n  found       .+\n  next        /m, 'in words' );
like( $said, qr/^1 thing does not add up$/m, 'and how many' );
system( 'rm', '-rf', "$state/journal" );
( $status, $said ) = $gateway->poterne('audit');
is( $status, 2, 'without a journal nothing is proved' );
like( $said, qr/no journal at /, 'as it says' );
done_testing();
